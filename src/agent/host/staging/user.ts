import type { DesiredTransfer } from '../../../model/documents/transfer.js'
import { Refusal } from '../../port/host.js'
import { CommandError } from '../exec/run.js'
import { runStream, type StreamOptions, type StreamResult } from '../exec/stream.js'
import { userErrorIn } from './errors.js'
import { argumentTooLong, notStarted, rootMayNotStage, unknownUser } from './messages.js'
import { type StagingPriority, withPriority } from './priority.js'
import { sandboxed } from './sandbox.js'

/*
 * Every program that touches a user's files runs as the user, with the user's groups and without root's rights, in a
 * sandbox that contains the stage paths, the buffer and the programs of /usr. A link that somebody plants, at any
 * moment, therefore leads only to what the user could reach anyway, and to nothing else on this host. Root itself
 * opens, creates, renames and removes nothing in a buffer or outside of it.
 *
 * Links are resolved on the host, outside of the sandbox, because a user's path may have another name there. This reads
 * and writes no file.
 */
export interface AsUser {
  /**
   * Runs a program to its end, whatever its exit code. Throws Refusal for a user who is not known here and for
   * arguments that are too long, Error when the sandbox cannot be created, CommandError when the program stalls or is
   * ended.
   */
  run(argv: readonly [string, ...string[]], options?: UserOptions): Promise<StreamResult>
  /** Throws unless the program exits with 0: Refusal for an error that the user can fix, else CommandError. */
  ok(argv: readonly [string, ...string[]], options?: UserOptions): Promise<StreamResult>
}

export type UserOptions = Partial<Omit<StreamOptions, 'env' | 'signal'>> & {
  /** On the host, outside of the sandbox. */
  onHost?: boolean
}

export interface UserParts {
  transfer: Pick<DesiredTransfer, 'uid' | 'gid'>
  /** An environment variable of every process and of its children, by which they are found and ended. */
  mark: string
  stallMs: number
  priority: StagingPriority
  /** The directories that its programs see besides those of the system. */
  sees: readonly string[]
  signal?: AbortSignal
}

const path = '/usr/local/bin:/usr/bin:/bin'

/**
 * Runs programs as the user of a transfer, in the sandbox. Throws Refusal for root. The user's groups are looked up
 * once.
 */
export function asUser({ transfer, mark, stallMs, priority, sees, signal }: UserParts): AsUser {
  // Nothing is copied with the rights of root, whatever a document says.
  if (transfer.uid === 0) throw new Refusal(rootMayNotStage())
  const [name, value] = mark.split('=') as [string, string]
  const env = { PATH: path, LC_ALL: 'C', HOME: '/', [name]: value }
  const start = (argv: Argv, options: UserOptions) =>
    runStream(withPriority(priority, argv), {
      ...{ stallMs, env, ...(signal ? { signal } : {}) },
      ...options,
    }).catch(refuseTooLong)
  const onHost = async (argv: Argv, options: UserOptions = {}) => {
    const result = await start([...identity(transfer, '--init-groups'), ...argv], options)
    if (!isUnknownUser(result)) return result
    throw new Refusal(unknownUser(transfer.uid))
  }
  // The sandbox has no name service.
  const lookUpGroups = async () => {
    const argv = ['id', '--groups'] as const
    const { code, stdout, stderr } = await onHost(argv)
    if (code !== 0) throw new CommandError(argv, { code, stdout: '', stderr, signal: null, timedOut: false })
    return stdout.toString().trim().replaceAll(' ', ',')
  }
  let groups: Promise<string> | undefined
  const run: AsUser['run'] = async (argv, { onHost: isOnHost = false, ...options } = {}) => {
    if (isOnHost) return onHost(argv, options)
    groups ??= lookUpGroups()
    const words = [...identity(transfer, `--groups=${await groups}`), ...argv] as const
    const result = await start(sandboxed(sees, words), options)
    if (!isNotStarted(result)) return result
    throw new Error(notStarted(argv[0], result.stderr))
  }
  return {
    run,
    ok: async (argv, options) => {
      const result = await run(argv, options)
      if (result.code === 0) return result
      const { code, stderr } = result
      const mistake = userErrorIn(stderr)
      if (mistake !== undefined) throw new Refusal(mistake)
      throw new CommandError(argv, { code, stderr, stdout: '', signal: null, timedOut: false })
    },
  }
}

/** The kernel refuses arguments above 128 KiB: a retry does not help. */
function refuseTooLong(error: unknown): never {
  if ((error as NodeJS.ErrnoException).code !== 'E2BIG') throw error
  throw new Refusal(argumentTooLong(), { cause: error })
}

/** The same user, with these options as defaults. */
export function withOptions(user: AsUser, more: UserOptions): AsUser {
  return {
    run: (argv, options) => user.run(argv, { ...more, ...options }),
    ok: (argv, options) => user.ok(argv, { ...more, ...options }),
  }
}

type Argv = readonly [string, ...string[]]

/** The kernel sends the signal when this agent dies, so that no program continues without it. */
function identity({ uid, gid }: Pick<DesiredTransfer, 'uid' | 'gid'>, groups: string): [string, ...string[]] {
  return [
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    groups,
    '--no-new-privs',
    '--bounding-set=-all',
    '--inh-caps=-all',
    '--ambient-caps=-all',
    '--pdeathsig=TERM',
    '--',
  ]
}

/** The sandbox or a wrapper failed, not the program: its "No such file or directory" is not about a user's file. */
function isNotStarted({ code, stderr }: StreamResult): boolean {
  return code >= 125 && /^(sandbox|setpriv|nice|ionice): /.test(stderr)
}

function isUnknownUser({ code, stderr }: StreamResult): boolean {
  return code !== 0 && /^setpriv: uid \d+ not found/m.test(stderr)
}
