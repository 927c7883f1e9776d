/** Splits a program's output at each NUL, byte for byte (latin1). Waits for `onRecord` before the next record. */
export function recordsInto(onRecord: (record: string) => Promise<void>): (chunk: Buffer) => Promise<void> {
  let rest = ''
  return async (chunk) => {
    const records = (rest + chunk.toString('latin1')).split('\0')
    rest = records.pop()!
    for (const record of records) await onRecord(record)
  }
}
