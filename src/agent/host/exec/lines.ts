const maxLineLength = 64 * 1024

/** Takes a program's output and gives each line that is not blank; the last one when the output ends. */
export class LineSplitter {
  private rest = ''

  constructor(private readonly onLine: (line: string) => void) {}

  /** Takes a piece of the output. Throws what `onLine` throws. */
  push(chunk: Buffer): void {
    const lines = (this.rest + chunk.toString()).split('\n')
    this.rest = lines.pop()!.slice(0, maxLineLength)
    for (const line of lines) this.tell(line)
  }

  /** Gives the last line, which no line break ended. May be repeated. */
  end(): void {
    this.tell(this.rest)
    this.rest = ''
  }

  private tell(line: string): void {
    if (line.trim() !== '') this.onLine(line)
  }
}
