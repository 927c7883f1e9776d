/** Takes a program's output and gives each record that a NUL ends, byte for byte (latin1); each is waited for. */
export function recordsInto(onRecord: (record: string) => Promise<void>): (chunk: Buffer) => Promise<void> {
  let rest = ''
  return async (chunk) => {
    const records = (rest + chunk.toString('latin1')).split('\0')
    rest = records.pop()!
    for (const record of records) await onRecord(record)
  }
}
