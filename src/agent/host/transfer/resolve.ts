import { basename, dirname } from 'node:path'
import type { DesiredTransfer } from '../../../model/documents.js'
import { quote } from '../../../model/names.js'
import { isWithin } from '../../../model/paths.js'
import { Refusal } from '../../host.js'
import { namespacesOf, type Sides } from './places.js'
import type { AsUser } from './user.js'

/** Below which paths this host lets users stage. */
export type StagePaths = readonly string[]

/** Both sides without links, as the user sees them. Refuses a path that leads out of its place, and a source that is absent. */
export async function resolveSides(
  user: AsUser,
  transfer: DesiredTransfer,
  stagePaths: StagePaths,
  sides: Sides,
): Promise<Sides> {
  const [resolved] = await resolveAll(user, transfer, stagePaths, [sides])
  const found = await user.run(['stat', '--printf=%F', '--', resolved!.source])
  if (found.code === 0) return resolved!
  const why = /: ([^:]+)$/.exec(found.stderr.trim())?.[1] ?? found.stderr
  throw new Refusal(`${nameOf(transfer, sides.source, sides.node)} cannot be staged: ${why}`)
}

/** The same for many, whose sources may be absent. */
export async function resolveAll(
  user: AsUser,
  transfer: DesiredTransfer,
  stagePaths: StagePaths,
  sides: readonly Sides[],
): Promise<Sides[]> {
  const paths = sides.flatMap(({ source, destination }) => [source, destination])
  const found = await realPaths(user, [...stagePaths, ...paths])
  const outside = found.slice(0, stagePaths.length)
  return sides.map((side, index) => {
    const at = stagePaths.length + 2 * index
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

/** Where the report is written: its folder without links, below the stage paths; its last part is not looked at. */
export async function resolveReport(
  user: AsUser,
  transfer: DesiredTransfer,
  stagePaths: StagePaths,
  report: string,
): Promise<string> {
  const [folder, ...outside] = await realPaths(user, [dirname(report), ...stagePaths])
  withinOutside(nameOf(transfer, report), outside, dirname(report), folder!)
  return `${folder === '/' ? '' : folder}/${basename(report)}`
}

const mostPaths = 200

async function realPaths(user: AsUser, paths: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (let at = 0; at < paths.length; at += mostPaths) {
    const some = paths.slice(at, at + mostPaths)
    const { stdout } = await user.ok(['realpath', '--zero', '--canonicalize-missing', '--', ...some])
    found.push(...stdout.toString().split('\0').slice(0, some.length))
  }
  return found
}

function withinBuffer(name: string, namespace: string, real: string): string {
  insistOnUtf8(name, real)
  if (isWithin(real, namespace)) return real
  throw new Refusal(`${name} leads out of the buffer, to ${quote(real)}`)
}

function withinOutside(name: string, roots: readonly string[], path: string, real: string): string {
  insistOnUtf8(name, real)
  if (roots.some((root) => isWithin(real, root))) return real
  const leads = real === path ? '' : ` leads to ${quote(real)}, which`
  throw new Refusal(`${name}${leads} is not below ${roots.join(', ')}: this host stages nothing else`)
}

/** What is no UTF-8 cannot be given to a program as an argument. */
function insistOnUtf8(name: string, real: string): void {
  if (real.includes('\uFFFD')) throw new Refusal(`${name} leads to a path that is no UTF-8`)
}

/** A path as the user wrote it: of the buffer, not of the place where it is mounted here. */
export function nameOf(transfer: DesiredTransfer, path: string, node?: string): string {
  const { source, destination } = namespacesOf(transfer, node)
  const namespace = [source, destination].find((root) => root !== undefined && isWithin(path, root))
  return quote(namespace === undefined ? path : `$${transfer.variable}${path.slice(namespace.length) || '/'}`)
}
