import type { DesiredTransfer } from '../../../model/documents.js'
import { quote } from '../../../model/names.js'
import { isWithin } from '../../../model/paths.js'
import { Refusal } from '../../host.js'
import { placesOf } from './places.js'
import type { AsUser } from './user.js'

/** Below which paths this host lets users stage. */
export type StagePaths = readonly string[]

export interface Sides {
  source: string
  destination: string
}

/** Both sides without links, as the user sees them. Refuses a path that leads out of its place, and a source that is absent. */
export async function resolveSides(user: AsUser, transfer: DesiredTransfer, stagePaths: StagePaths): Promise<Sides> {
  const { source, destination } = placesOf(transfer)
  const [resolved] = await resolveAll(user, transfer, stagePaths, [{ source, destination }])
  const found = await user.run(['stat', '--printf=%F', '--', resolved!.source])
  if (found.code === 0) return resolved!
  const why = /: ([^:]+)$/.exec(found.stderr.trim())?.[1] ?? found.stderr
  throw new Refusal(`${nameOf(transfer, source)} cannot be staged: ${why}`)
}

/** The same for many, whose sources may be absent. */
export async function resolveAll(
  user: AsUser,
  transfer: DesiredTransfer,
  stagePaths: StagePaths,
  sides: readonly Sides[],
): Promise<Sides[]> {
  const { namespace } = placesOf(transfer)
  const paths = sides.flatMap(({ source, destination }) => [source, destination])
  const found = await realPaths(user, [...stagePaths, ...paths])
  const outside = found.slice(0, stagePaths.length)
  const [from, to] = transfer.direction === 'in' ? [outside, [namespace]] : [[namespace], outside]
  return sides.map(({ source, destination }, index) => {
    const [realSource, realDestination] = found.slice(stagePaths.length + 2 * index)
    return {
      source: within(transfer, from, source, realSource!),
      destination: within(transfer, to, destination, realDestination!),
    }
  })
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

function within(transfer: DesiredTransfer, roots: readonly string[], path: string, real: string): string {
  // What is no UTF-8 cannot be given to a program as an argument.
  if (real.includes('\uFFFD')) throw new Refusal(`${nameOf(transfer, path)} leads to a path that is no UTF-8`)
  if (roots.some((root) => isWithin(real, root))) return real
  const isInside = roots[0] === placesOf(transfer).namespace
  if (isInside) throw new Refusal(`${nameOf(transfer, path)} leads out of the buffer, to ${quote(real)}`)
  const leads = real === path ? '' : ` leads to ${quote(real)}, which`
  throw new Refusal(`${quote(path)}${leads} is not below ${roots.join(', ')}: this host stages nothing else`)
}

/** A path as the user wrote it: of the buffer, not of the place where it is mounted here. */
export function nameOf(transfer: DesiredTransfer, path: string): string {
  const { namespace } = placesOf(transfer)
  if (!isWithin(path, namespace)) return quote(path)
  return quote(`$${transfer.variable}${path.slice(namespace.length) || '/'}`)
}
