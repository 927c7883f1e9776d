import type { DesiredTransfer } from '../../../model/documents/transfer.js'
import { Refusal } from '../../port.js'
import { CommandError } from '../exec/run.js'
import { runStream, type StreamOptions, type StreamResult } from '../exec/stream.js'
import { userErrorIn } from './errors.js'
import { type StagingPriority, withPriority } from '../../stagingPriority.js'
import { sandboxed } from './sandbox.js'

/*
 * Everything that touches a user's files runs as the user, with the user's groups and no right of root's, and in a sandbox that
 * holds the stage paths, the buffer and the programs of /usr: a link, planted at whatever moment, leads to nothing that the
 * user could not reach without us, and to nothing else of this host. Root itself opens, makes, renames and removes nothing in a
 * buffer or outside.
 *
 * Where links lead is looked up on the host as it is, for what a user calls a path may be known by other names there; nothing is read or
 * written by that.
 */
export interface AsUser {
  /**
   * Runs it to its end, whatever its exit code. Throws Refusal for a user who is not known here and for arguments that
   * are too long, Error when the sandbox cannot be made, CommandError when it stalls or is ended.
   */
  run(argv: readonly [string, ...string[]], options?: UserOptions): Promise<StreamResult>
  /** Throws unless it exits with 0: Refusal when the destination takes no more, else CommandError. */
  ok(argv: readonly [string, ...string[]], options?: UserOptions): Promise<StreamResult>
}

export type UserOptions = Partial<Omit<StreamOptions, 'env' | 'signal'>> & {
  /** On the host as it is, not in the sandbox. */
  onHost?: boolean
}

export interface UserParts {
  transfer: Pick<DesiredTransfer, 'uid' | 'gid'>
  /** In the environment of every process, and of what it starts: by it they are found and ended. */
  mark: string
  stallMs: number
  priority: StagingPriority
  /** The directories that are there for its programs, beside those of the system. */
  sees: readonly string[]
  signal?: AbortSignal
}

const path = '/usr/local/bin:/usr/bin:/bin'

/**
 * Runs programs as the user of a transfer, in the sandbox. Throws Refusal for root. The user's groups are looked up
 * once.
 */
export function asUser({ transfer, mark, stallMs, priority, sees, signal }: UserParts): AsUser {
  // Whatever a document says: nothing is copied with the rights of root.
  if (transfer.uid === 0) throw new Refusal('files are staged as a user, never as root')
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
    throw new Refusal(
      `user ${transfer.uid} is not known on this host: users must be known on storage hosts as on nodes`,
    )
  }
  // The name service is not there in the sandbox.
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
    throw new Error(`${argv[0]} was not started in its sandbox: ${result.stderr}`)
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

/** The kernel takes no argument above 128 KiB: no second try helps. */
function refuseTooLong(error: unknown): never {
  if ((error as NodeJS.ErrnoException).code !== 'E2BIG') throw error
  throw new Refusal('a path is too long to be given to a program', { cause: error })
}

/** The same user, for whom these options count where none are given. */
export function withOptions(user: AsUser, more: UserOptions): AsUser {
  return {
    run: (argv, options) => user.run(argv, { ...more, ...options }),
    ok: (argv, options) => user.ok(argv, { ...more, ...options }),
  }
}

type Argv = readonly [string, ...string[]]

/** The signal comes when this agent dies: nothing that it started copies on unseen. */
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

/** It is this host's failure, in words of what starts programs: a "No such file or directory" of theirs is no user's file. */
function isNotStarted({ code, stderr }: StreamResult): boolean {
  return code >= 125 && /^(sandbox|setpriv|nice|ionice): /.test(stderr)
}

function isUnknownUser({ code, stderr }: StreamResult): boolean {
  return code !== 0 && /^setpriv: uid \d+ not found/m.test(stderr)
}
