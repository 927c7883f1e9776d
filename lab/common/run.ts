import { spawn } from 'node:child_process'

export interface Result {
  code: number
  stdout: string
  stderr: string
}

export interface RunOptions {
  input?: string
  /** Two minutes by default: nothing in the lab may hang forever. */
  timeoutMs?: number
}

/** Runs a command to its end, whatever its exit code. Throws only when it cannot be started or takes too long. */
export function run(argv: readonly string[], { input, timeoutMs = 120_000 }: RunOptions = {}): Promise<Result> {
  return new Promise((resolve, reject) => {
    const [program, ...rest] = argv
    const child = spawn(program!, rest, { stdio: ['pipe', 'pipe', 'pipe'] })
    const out: Buffer[] = []
    const err: Buffer[] = []
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`no end after ${timeoutMs / 1000} s: ${argv.join(' ')}`))
    }, timeoutMs)
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.stdin.on('error', () => {})
    child.stdin.end(input ?? '')
    child.on('error', (error) => {
      clearTimeout(timer)
      reject(new Error(`cannot start ${program}: ${error.message}`, { cause: error }))
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString()
      resolve({ code: code ?? (signal ? 137 : 1), stdout: text(out), stderr: text(err) })
    })
  })
}

/** Runs a command that must succeed, and returns its output. */
export async function must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await run(argv, options)
  if (result.code !== 0) {
    const said = (result.stderr || result.stdout).trim()
    throw new Error(`${argv.join(' ')} exited ${result.code}${said ? `: ${said}` : ''}`)
  }
  return result.stdout
}
