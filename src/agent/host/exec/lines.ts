const maxLineLength = 64 * 1024

/** Splits a program's output into lines, without blank ones; gives the last line when the output ends. */
export class LineSplitter {
  private rest = ''

  constructor(private readonly onLine: (line: string) => void) {}

  /** Takes a piece of the output. Throws what `onLine` throws. */
  push(chunk: Buffer): void {
    const lines = (this.rest + chunk.toString()).split('\n')
    this.rest = lines.pop()!.slice(0, maxLineLength)
    for (const line of lines) this.tell(line)
  }

  /** Gives the last line, if no line break ended it. May be repeated. */
  end(): void {
    this.tell(this.rest)
    this.rest = ''
  }

  private tell(line: string): void {
    if (line.trim() !== '') this.onLine(line)
  }
}
