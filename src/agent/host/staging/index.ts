import { mkdir } from 'node:fs/promises'
import { transferId } from '../../../model/cluster.js'
import type { TransferCounts } from '../../../model/documents/transferFields.js'
import type { DesiredTransfer } from '../../../model/documents/transfer.js'
import { Refusal, type TransferFacts } from '../../port/host.js'
import { turnsOf } from './turns.js'
import type { Log } from '../../../daemon/log.js'
import { endTagged, taggedProcesses } from '../exec/taggedProcesses.js'
import type { Run } from '../exec/run.js'
import { copyShare } from './copy/copy.js'
import { finishTransfer } from './copy/finish.js'
import { Jobs, show } from './jobs.js'
import { transferPathsOf } from './paths.js'
import { scanTransfer } from './scan/scan.js'
import { type StagePaths, stagePathsNow } from './resolve.js'
import { sandboxRoot } from './sandbox.js'
import { type AsUser, asUser, type UserParts } from './user.js'
import { stagesNothing } from './messages.js'
import {
  certificateFacts,
  type Certificates,
  type IsLeft,
  type MountAt,
  mountState,
  mountVolume,
  type OnUnmounted,
  renewCertificates,
  unmountVolume,
} from './volume.js'
import { type Notes, openNotes } from './notes.js'
import { type StageLimits, usualLimits } from './limits.js'
import type { StagingPriority } from './priority.js'
import { scanNote, tally } from './noteFormats.js'

export interface TransferOptions {
  /** This host's name. */
  name: string
  stagePaths: readonly string[]
  priority: StagingPriority
  limits?: StageLimits | undefined
  run: Run
  /** Throws unless every brick of its volume is online. */
  requireAllBricksOnline: (transfer: DesiredTransfer) => Promise<void>
  log: Log
  mountAt: MountAt
  /** Nothing is mounted there any more. */
  onUnmounted?: OnUnmounted
  isLeft?: IsLeft
  certificates?: Certificates
  /** Called when work on that transfer has ended, with or without success. */
  onEnd?: (id: string) => void
  /** A program of a transfer that has printed nothing for so long is ended. */
  stallMs?: number
  /** Files of twice as many bytes are copied in ranges. */
  smallestRange?: number
  /** A program that has done nothing for so long gives its slot to others. */
  quietMs?: number
}

/** A file system may need minutes to fail over; one that stalls for longer needs an operator. */
const stallMs = 1_800_000
const defaultQuietMs = 60_000
/** For commands that read or write notes: they must not wait as long as a copy. */
const noteMs = 60_000

/**
 * Stage-in and stage-out on this host. Its methods are the facts and effects of transfers in `Host`; those that begin a
 * part resolve at once, and throw the failure of the part's last run.
 */
export function transfers(options: TransferOptions) {
  const { name, stagePaths, priority, run, log } = options
  const { limits = usualLimits } = options
  const turns = turnsOf(limits)
  const jobs = new Jobs((id) => options.onEnd?.(id))
  const idOf = (transfer: DesiredTransfer) => transferId(transfer.session.id, transfer.transfer)
  const tagOf = (transfer: DesiredTransfer) => `BURSTBUFFER_TRANSFER=${name}/${idOf(transfer)}`
  const { quietMs = defaultQuietMs } = options
  const patience = options.stallMs ?? stallMs
  const userOf = async (transfer: DesiredTransfer, more: Pick<UserParts, 'stallMs' | 'signal'>) => {
    await mkdir(sandboxRoot, { recursive: true, mode: 0o700 })
    const paths = await stagePathsNow(stagePaths, run)
    const sees = [transferPathsOf(transfer).mount, ...paths.answering]
    return { paths, user: asUser({ transfer, mark: tagOf(transfer), priority, sees, ...more }) }
  }
  const noteUser = async (transfer: DesiredTransfer) =>
    (await userOf(transfer, { stallMs: Math.min(noteMs, patience) })).user
  const insist = () => {
    if (stagePaths.length === 0) throw new Refusal(stagesNothing())
  }

  /** Begins the part unless it is under way; first ends the work on another part or attempt. */
  const begin = async (transfer: DesiredTransfer, act: (parts: Acting) => Promise<void>) => {
    insist()
    const id = idOf(transfer)
    const job = jobs.get(id)
    if (job?.what === whatOf(transfer)) return
    if (job) await jobs.stop(id)
    await endTagged(tagOf(transfer), transfer.uid)
    jobs.begin(id, whatOf(transfer), async ({ running, abort }) => {
      const { user, paths } = await userOf(transfer, { stallMs: patience, signal: abort.signal })
      const scan = transfer.part === 'plan' ? undefined : await readScan(await openNotes(user, transfer))
      running.counts = { ...running.counts, ...totalsOf(transfer, scan) }
      const requireAllBricksOnline = () => options.requireAllBricksOnline(transfer)
      const { signal } = abort
      await act({
        transfer,
        user,
        stagePaths: paths,
        requireAllBricksOnline,
        signal,
        show: (tally) => show(running, tally),
      })
    })
  }

  return {
    /** How far the wanted part and attempt is on this host. Throws when its notes cannot be read. */
    facts: async (transfer: DesiredTransfer): Promise<TransferFacts> => {
      const job = jobs.get(idOf(transfer))
      if (job && job.what === whatOf(transfer) && transfer.wanted === 'done') {
        return { mounted: true, orphans: 0, running: job.running, ...(await certificateFacts(transfer, options)) }
      }
      const orphans = (await taggedProcesses(tagOf(transfer), transfer.uid)).length + (job ? 1 : 0)
      const mounted = await mountState(transfer, options)
      const facts = { mounted: mounted !== 'absent', orphans, ...(mounted === 'dead' ? { isDead: true } : {}) }
      if (transfer.wanted === 'absent') return facts
      if (stagePaths.length === 0) return { ...facts, refused: stagesNothing() }
      if (mounted !== 'alive' || orphans > 0) return facts
      return { ...facts, ...(await doneFacts(await noteUser(transfer), transfer)) }
    },
    /** Throws Refusal where no stage paths are set, else what `mountVolume` throws. */
    mount: async (transfer: DesiredTransfer) => {
      insist()
      await mountVolume(transfer, options)
    },
    /** What is mounted for it shows the document's certificate from its next connection on. */
    renewCertificate: (transfer: DesiredTransfer) => renewCertificates(transfer, options),
    /** Begins the scan, in place of another part that is under way here; does nothing when the scan is under way. */
    scan: (transfer: DesiredTransfer) =>
      begin(transfer, ({ show, ...parts }) =>
        scanTransfer({
          ...parts,
          smallestRange: options.smallestRange,
          onFound: ({ files, bytes }) => show({ files, bytes }),
        }),
      ),
    /** As `scan`, for the copy of a share. */
    copy: (transfer: DesiredTransfer) =>
      begin(transfer, ({ show, ...parts }) => copyShare({ ...parts, turns, limits, quietMs, onProgress: show })),
    /** As `scan`, for the sum of all shares. */
    finish: (transfer: DesiredTransfer) => begin(transfer, finishTransfer),
    /** Ends the processes of this transfer on this host, also those of an agent that has died. */
    stop: async (transfer: DesiredTransfer) => {
      await jobs.stop(idOf(transfer))
      await endTagged(tagOf(transfer), transfer.uid)
    },
    /**
     * Removes the notes, then the mount. Notes that cannot be removed, because a brick is lost, do not keep the buffer
     * from being taken down.
     */
    end: async (transfer: DesiredTransfer) => {
      await jobs.stop(idOf(transfer))
      await endTagged(tagOf(transfer), transfer.uid)
      if ((await mountState(transfer, options)) === 'alive') {
        const user = await noteUser(transfer)
        await user
          .ok(['rm', '--recursive', '--force', '--', transferPathsOf(transfer).notesRoot])
          .catch((error: unknown) =>
            log.warn('cannot remove the notes of a transfer', { id: idOf(transfer), reason: String(error) }),
          )
      }
      await unmountVolume(transfer, options)
    },
    /** Ends all work on this host; batches that are noted as done are not copied again. */
    close: () => jobs.stopAll(),
  }
}

interface Acting {
  transfer: DesiredTransfer
  user: AsUser
  stagePaths: StagePaths
  requireAllBricksOnline: () => Promise<void>
  signal: AbortSignal
  show: (tally: { files?: number; bytes?: number; failed?: number; failures?: string[] }) => void
}

function whatOf({ part, attempt, share }: DesiredTransfer): string {
  return part === 'copy' ? `${part} ${attempt} ${share.index}/${share.of}` : `${part} ${attempt}`
}

function readScan(notes: Notes) {
  return notes.read('plan.json', scanNote)
}

type ScanFound = Awaited<ReturnType<typeof readScan>>

function totalsOf({ part, share }: DesiredTransfer, scan: ScanFound): Partial<TransferCounts> {
  const whole = part === 'copy' ? scan?.shares[share.index] : scan
  return whole ? { totalFiles: whole.files, totalBytes: whole.bytes } : {}
}

/** What the notes say about the wanted part. */
async function doneFacts(user: AsUser, transfer: DesiredTransfer): Promise<Pick<TransferFacts, 'done'>> {
  // If the user may not enter the destination, the scan says so itself, with the path that the user wrote.
  const notes = await openNotes(user, transfer).catch((error: unknown) => {
    if (transfer.part === 'plan' && error instanceof Refusal) return undefined
    throw error
  })
  const scan = notes && (await readScan(notes))
  if (!notes || !scan) return {}
  const totals = { totalFiles: 0, totalBytes: 0, ...totalsOf(transfer, scan) }
  if (transfer.part === 'plan') {
    const counts = { ...totals, files: 0, bytes: 0, failed: scan.failed, largestBytes: scan.largestBytes }
    return { done: { counts, failures: scan.failures } }
  }
  const name = transfer.part === 'copy' ? `share-${transfer.share.index}` : 'finish'
  const done = await notes.read(`${name}.done`, tally)
  if (!done) return {}
  const { failures, ...counts } = done
  return { done: { counts: { ...totals, ...counts }, failures } }
}
