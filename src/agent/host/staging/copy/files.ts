import type { DesiredTransfer } from '../../../../model/documents/transfer.js'
import { Refusal } from '../../../port/host.js'
import { contentDiffers, foreignFiles } from '../messages.js'
import { type Batch, ofNode } from '../noteFormats.js'
import { type Endpoints, endpointsOf } from '../paths.js'
import { resolveAll, type StagePaths } from '../resolve.js'
import type { AsUser } from '../user.js'
import { copyArguments, type Copied, differing, type Progress, runRsync } from './rsync.js'

/** What the runs of rsync of one transfer have in common. */
export interface Copying {
  transfer: DesiredTransfer
  user: AsUser
  stagePaths: StagePaths
  /** Arguments by which rsync compares times at the destination. */
  window: string[]
  isInPlace: boolean
  /** Of one run; 0 for no limit. */
  bytesPerSecond: number
}

/** Copies these names, each ended by a NUL, and compares the contents if the transfer wants it. */
export async function copyNames(
  copying: Copying,
  batch: Pick<Batch, 'isSparse'>,
  endpoints: Endpoints,
  names: Buffer,
  onProgress: (progress: Progress) => void = () => {},
): Promise<Copied> {
  const { transfer, user } = copying
  const { source, destination } = endpoints
  const files = { from: `${source}/`, to: `${destination}/`, names }
  const argv = [...copyArguments(copying, batch), ...copying.window]
  const copied = await copyBetween(copying, endpoints, () => runRsync(user, argv, files, onProgress))
  if (!transfer.verify) return copied
  return withDifferences(copied, await differing(user, files))
}

/** The same for the pairs of a batch. */
export async function copyPairs(
  copying: Copying,
  batch: Pick<Batch, 'isSparse' | 'pairs'>,
  onProgress: (progress: Progress) => void = () => {},
): Promise<Copied> {
  const { transfer, user } = copying
  let copied: Copied = { complaints: [], failed: 0 }
  const past = { files: 0, bytes: 0 }
  const resolved = await resolvePairs(copying, batch.pairs ?? [])
  for (const [index, endpoints] of resolved.entries()) {
    const { source, destination, node } = endpoints
    const tell = ({ bytes }: Progress) => onProgress({ ...past, bytes: past.bytes + bytes })
    const argv = [...copyArguments(copying, batch), ...copying.window]
    const files = { from: source, to: destination }
    const now = await copyBetween(copying, endpoints, () => runRsync(user, argv, files, tell))
    const differs = transfer.verify ? await differing(user, files) : []
    const { complaints, failed } = withDifferences(now, differs)
    const told = complaints.map((words) => ofNode(node, words))
    copied = { complaints: [...copied.complaints, ...told], failed: copied.failed + failed }
    past.files++
    past.bytes += batch.pairs![index]!.bytes
  }
  return copied
}

type Resolving = Pick<Copying, 'transfer' | 'user' | 'stagePaths'>

/** The endpoints of pairs, resolved again, because links may have changed since the scan. Throws Refusal for foreign ones. */
export async function resolvePairs(parts: Resolving, pairs: NonNullable<Batch['pairs']>): Promise<Endpoints[]> {
  const endpoints = pairs.map(({ from, to, node }) => {
    return { source: from, destination: to, ...(node === undefined ? {} : { node }) }
  })
  const resolved = await resolveAll(parts.user, parts.transfer, parts.stagePaths, endpoints)
  await requirePairsOfTransfer(parts, resolved)
  return resolved
}

/**
 * Copies between these endpoints. If one of them has become a link that leads elsewhere, adds where it leads: in the
 * sandbox rsync sees nothing there, and reports only that the file does not exist.
 */
async function copyBetween(
  { transfer, user, stagePaths }: Resolving,
  endpoints: Endpoints,
  copy: () => Promise<Copied>,
): Promise<Copied> {
  const leadsAway = async () => {
    const error: unknown = await resolveAll(user, transfer, stagePaths, [endpoints]).catch((error: unknown) => error)
    return error instanceof Refusal ? error : undefined
  }
  try {
    const copied = await copy()
    const why = copied.failed > 0 ? await leadsAway() : undefined
    return why ? { ...copied, complaints: [why.message, ...copied.complaints] } : copied
  } catch (error) {
    throw (error instanceof Refusal && (await leadsAway())) || error
  }
}

/**
 * Refuses, unless each pair belongs to this directive and one of its nodes; for a single file, unless it is the one
 * that it names.
 */
async function requirePairsOfTransfer(
  { transfer, user, stagePaths }: Resolving,
  pairs: readonly Endpoints[],
): Promise<void> {
  const { type, attempt } = transfer
  // A node whose file could not be scanned has no pair, and need not be resolved.
  const lines = endpointsOf(transfer).filter(({ node }) => pairs.some((pair) => pair.node === node))
  const known = type === 'file' ? await resolveAll(user, transfer, stagePaths, lines) : lines
  const isOfTransfer = ({ source, destination, node }: Endpoints) => {
    const line = known.find((line) => line.node === node)
    return line && (type === 'list' || (line.source === source && line.destination === destination))
  }
  if (type !== 'directory' && pairs.every(isOfTransfer)) return
  throw new Refusal(foreignFiles(attempt))
}

function withDifferences({ complaints, failed }: Copied, names: string[]): Copied {
  const words = names.slice(0, 20).map(contentDiffers)
  return { complaints: [...complaints, ...words], failed: failed + names.length }
}
