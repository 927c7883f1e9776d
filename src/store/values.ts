import type { IKeyValue } from 'etcd3'
import type { Entry } from './store.js'

/**
 * The bytes that stand in etcd. JSON objects carry the operation id of their last write as `op`; strings are stored as
 * they are.
 */
export function encodeValue(value: object | string, op: string): Buffer {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify({ ...value, op }))
}

/**
 * The entry of a key-value as etcd gives it, its key without `prefix`. What is no JSON object becomes a string. Throws
 * nothing, whatever it holds.
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
