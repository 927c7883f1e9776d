/**
 * Splits a program's output at each NUL, byte for byte (latin1). Waits for `onRecord` before the next record, if it returns a
 * promise: a million waits for nothing would take seconds.
 */
export function recordsInto(onRecord: OnRecord<string>): (chunk: Buffer) => Promise<void> {
  let rest = ''
  return async (chunk) => {
    const records = (rest + chunk.toString('latin1')).split('\0')
    rest = records.pop()!
    for (const record of records) {
      const taken = onRecord(record)
      if (taken) await taken
    }
  }
}

/** Takes one record; a promise when the next one has to wait. */
export type OnRecord<T> = (record: T) => Promise<void> | undefined
