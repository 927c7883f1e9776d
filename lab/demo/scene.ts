import type { Cluster, ExecOptions, Result } from '../common/interface.js'
import { until } from '../common/until.js'

/** A fact of the demo that does not hold. */
export class Unmet extends Error {
  override name = 'Unmet'
  constructor(expected: string, seen: string) {
    super(`expected: ${expected}\nseen: ${seen.trim() === '' ? '(nothing)' : seen.trim()}`)
  }
}

/** Runs real commands in the hosts of the cluster, prints them with their output, and checks facts. */
export class Scene {
  constructor(
    readonly cluster: Cluster,
    private readonly print: (line: string) => void,
  ) {}

  heading(text: string): void {
    this.print(`\n***${text}***`)
  }

  note(text: string): void {
    this.print(text)
  }

  /** Runs a command that must succeed, prints it with its output, and returns the output. */
  async show(host: string, argv: readonly string[], options: ExecOptions = {}): Promise<string> {
    const result = await this.cluster.exec(host, argv, options)
    this.transcript(host, argv, options, result)
    this.expect(`${spoken(argv)} on ${host} succeeds`, result.code === 0, `exit code ${result.code}`)
    return result.stdout
  }

  transcript(host: string, argv: readonly string[], { user = 'root' }: ExecOptions, result: Result): void {
    this.print(`[${user}@${host}]$ ${spoken(argv)}`)
    const said = (result.stdout + result.stderr).trimEnd()
    if (said !== '') this.print(said)
  }

  /** Runs a command that must succeed, silently. */
  async ask(host: string, argv: readonly string[], options: ExecOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.cluster.exec(host, argv, options)
    this.expect(`${spoken(argv)} on ${host} succeeds`, code === 0, `exit code ${code}: ${stderr || stdout}`)
    return stdout
  }

  expect(expected: string, holds: boolean, seen: string): void {
    if (!holds) throw new Unmet(expected, seen)
  }

  /** Asks until the fact holds. After the deadline it ends the demo, with the last answer. */
  async expectSoon(
    expected: string,
    ask: () => Promise<string>,
    holds: (seen: string) => boolean,
    deadlineMs = 120_000,
  ) {
    let seen = ''
    const what = expected
    const asked = until({ what, deadlineMs }, async () => {
      seen = await ask()
      return holds(seen) ? { seen } : undefined
    })
    const held = await asked.catch((error: unknown) => {
      throw new Unmet(`${expected} (within ${deadlineMs / 1000} s)`, seen === '' ? (error as Error).message : seen)
    })
    return held.seen
  }

  async writeFile(host: string, user: string, name: string, content: string): Promise<void> {
    await this.ask(host, ['sh', '-c', 'cat >"$0"', name], { user, input: content })
  }
}

/** A command as one would type it. */
function spoken(argv: readonly string[]): string {
  if (argv[0] === 'sh' && argv[1] === '-c' && argv.length === 3) return argv[2]!
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`)).join(' ')
}
