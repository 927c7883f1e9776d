import { basename, dirname } from 'node:path'
import type { DesiredTransfer } from '../../../model/documents/transfer.js'
import { quote } from '../../../model/names.js'
import { isWithin } from '../../../model/paths.js'
import { Refusal } from '../../port/host.js'
import { namespacesOf, type Endpoints } from './paths.js'
import { answers } from '../client/bufferMount.js'
import type { Run } from '../exec/run.js'
import { cannotBeStaged, leadsToNoUtf8, leavesBuffer, notBelowStagePaths, stagePathSilent } from './messages.js'
import type { AsUser } from './user.js'

/** The paths below which users may stage. A file system that does not answer delays only the transfers that need it. */
export interface StagePaths {
  answering: readonly string[]
  silent: readonly string[]
}

/** Which stage paths exist and answer within ten seconds; checked again with each call. */
export async function stagePathsNow(paths: readonly string[], run: Run): Promise<StagePaths> {
  const found = await Promise.all(paths.map(async (path) => ({ path, isThere: await answers(path, run) })))
  const those = (isThere: boolean) => found.filter((one) => one.isThere === isThere).map(({ path }) => path)
  return { answering: those(true), silent: those(false) }
}

/**
 * Source and destination with links resolved, as the user sees them. Throws Refusal for a path that leads out of its
 * place and for a source that does not exist, Error while a stage path does not answer.
 */
export async function resolveEndpoints(
  user: AsUser,
  transfer: DesiredTransfer,
  stagePaths: StagePaths,
  endpoints: Endpoints,
): Promise<Endpoints> {
  const [resolved] = await resolveAll(user, transfer, stagePaths, [endpoints])
  const found = await user.run(['stat', '--printf=%F', '--', resolved!.source])
  if (found.code === 0) return resolved!
  const why = /: ([^:]+)$/.exec(found.stderr.trim())?.[1] ?? found.stderr
  throw new Refusal(cannotBeStaged(nameOf(transfer, endpoints.source, endpoints.node), why))
}

/** The same for several, in their order; a source need not exist. */
export async function resolveAll(
  user: AsUser,
  transfer: DesiredTransfer,
  stagePaths: StagePaths,
  endpoints: readonly Endpoints[],
): Promise<Endpoints[]> {
  const { answering } = stagePaths
  const paths = endpoints.flatMap(({ source, destination }) => [source, destination])
  for (const path of paths) requireAnswer(stagePaths, path)
  const found = await realPaths(user, [...answering, ...paths])
  const outside = { ...stagePaths, answering: found.slice(0, answering.length) }
  return endpoints.map((side, index) => {
    const at = answering.length + 2 * index
    const [realSource, realDestination] = [found[at], found[at + 1]]
    const namespaces = namespacesOf(transfer, side.node)
    const within = (path: string, real: string, namespace: string | undefined) =>
      namespace === undefined
        ? withinOutside(nameOf(transfer, path, side.node), outside, path, real)
        : withinBuffer(nameOf(transfer, path, side.node), namespace, real)
    return {
      ...side,
      source: within(side.source, realSource!, namespaces.source),
      destination: within(side.destination, realDestination!, namespaces.destination),
    }
  })
}

/**
 * The path of the report: its folder with links resolved, below the stage paths; its last part is not checked. Throws
 * as `resolveEndpoints` does.
 */
export async function resolveReport(
  user: AsUser,
  transfer: DesiredTransfer,
  stagePaths: StagePaths,
  report: string,
): Promise<string> {
  requireAnswer(stagePaths, report)
  const [folder, ...answering] = await realPaths(user, [dirname(report), ...stagePaths.answering])
  withinOutside(nameOf(transfer, report), { ...stagePaths, answering }, dirname(report), folder!)
  return `${folder === '/' ? '' : folder}/${basename(report)}`
}

const maxPaths = 200

async function realPaths(user: AsUser, paths: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (let at = 0; at < paths.length; at += maxPaths) {
    const some = paths.slice(at, at + maxPaths)
    const { stdout } = await user.ok(['realpath', '--zero', '--canonicalize-missing', '--', ...some], { onHost: true })
    found.push(...stdout.toString().split('\0').slice(0, some.length))
  }
  return found
}

function withinBuffer(name: string, namespace: string, real: string): string {
  requireUtf8(name, real)
  if (isWithin(real, namespace)) return real
  throw new Refusal(leavesBuffer(name, real))
}

function withinOutside(name: string, stagePaths: StagePaths, path: string, real: string): string {
  requireUtf8(name, real)
  const { answering, silent } = stagePaths
  if (answering.some((root) => isWithin(real, root))) return real
  requireAnswer(stagePaths, real)
  const leadsTo = real === path ? undefined : real
  throw new Refusal(notBelowStagePaths(name, leadsTo, [...answering, ...silent]))
}

/** Throws Error, not Refusal: the path may answer again. */
function requireAnswer({ silent }: StagePaths, path: string): void {
  const root = silent.find((root) => isWithin(path, root))
  if (root !== undefined) throw new Error(stagePathSilent(root))
}

/** A path that is not valid UTF-8 cannot be given to a program as an argument. */
function requireUtf8(name: string, real: string): void {
  if (real.includes('\uFFFD')) throw new Refusal(leadsToNoUtf8(name))
}

/**
 * A path as the user wrote it, in quotes: `$DW_JOB_STRIPED/a` for a file in the buffer, not its path below the mount.
 */
export function nameOf(transfer: DesiredTransfer, path: string, node?: string): string {
  const { source, destination } = namespacesOf(transfer, node)
  const namespace = [source, destination].find((root) => root !== undefined && isWithin(path, root))
  return quote(namespace === undefined ? path : `$${transfer.variable}${path.slice(namespace.length) || '/'}`)
}
