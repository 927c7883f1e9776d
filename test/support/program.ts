import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { until } from '../../lab/common/until.js'

export interface LogLine {
  message: string
  [field: string]: unknown
}

/** One of our daemons as a process of its own, run from source, and what it logs. */
export class Program {
  readonly lines: LogLine[] = []
  private readonly child: ChildProcess
  private readonly ended: Promise<unknown>
  private rest = ''

  constructor(source: string, ...argv: string[]) {
    this.child = spawn(process.execPath, ['--import', 'tsx', source, ...argv], { stdio: ['ignore', 'ignore', 'pipe'] })
    this.ended = once(this.child, 'close')
    this.child.stderr!.on('data', (chunk: Buffer) => this.take(chunk.toString()))
  }

  /** The first line after the first `from` ones that has this phrase. */
  untilLogged(phrase: string, from = 0): Promise<LogLine> {
    const find = () => this.lines.slice(from).find(({ message }) => message === phrase)
    return until({ what: `"${phrase}" is logged`, deadlineMs: 60_000 }, () => Promise.resolve(find()))
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** Ends it in good order; gives its exit code. */
  async stop(): Promise<number | null> {
    if (this.child.exitCode === null) {
      this.child.kill('SIGCONT')
      this.child.kill('SIGTERM')
      await this.ended
    }
    return this.child.exitCode
  }

  private take(text: string): void {
    const lines = (this.rest + text).split('\n')
    this.rest = lines.pop() ?? ''
    for (const line of lines) if (line.startsWith('{')) this.lines.push(JSON.parse(line) as LogLine)
  }
}

export interface Outcome {
  code: number
  stdout: string
  stderr: string
}

/** Runs one of our programs from source to its end. */
export function runProgram(source: string, argv: readonly string[], environment: object = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...environment }, timeout: 110_000 }
    execFile(process.execPath, ['--import', 'tsx', source, ...argv], options, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr })
    })
  })
}
