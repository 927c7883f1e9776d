import type { IKeyValue } from 'etcd3'
import type { Entry } from './store.js'

/**
 * The bytes of a value in etcd. A JSON object contains the operation id of its last write as `op`; a string is stored
 * unchanged.
 */
export function encodeValue(value: object | string, op: string): Buffer {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify({ ...value, op }))
}

/**
 * The entry of a key-value from etcd; its key has no `prefix`. A value that is not a JSON object becomes a string. Never
 * throws.
 */
export function decodeEntry(kv: IKeyValue, prefix: string): Entry & { op: string | undefined } {
  const { value, op } = decodeValue(kv.value.toString())
  return {
    key: kv.key.toString().slice(prefix.length),
    value,
    op,
    createRevision: Number(kv.create_revision),
    modRevision: Number(kv.mod_revision),
  }
}

function decodeValue(text: string): { value: unknown; op: string | undefined } {
  if (!text.startsWith('{')) return { value: text, op: undefined }
  try {
    const { op, ...value } = JSON.parse(text) as Record<string, unknown>
    return { value, op: typeof op === 'string' ? op : undefined }
  } catch {
    return { value: text, op: undefined }
  }
}

/** The end of the range of all keys that begin with `prefix`, which is not empty and ends in ASCII. */
export function rangeEnd(prefix: string): Buffer {
  const end = Buffer.from(prefix)
  end[end.length - 1]! += 1
  return end
}
