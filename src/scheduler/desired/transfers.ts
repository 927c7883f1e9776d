import { randomBytes } from 'node:crypto'
import { privateDirectory, templateDirectory, viewDirectory } from '../../model/access.js'
import { hostsUnmounting, serversOf, volumeOf } from '../../model/buffers.js'
import { at, type Cluster, desiredOf, sessionKey, transferId } from '../../model/cluster.js'
import { printAbout } from '../../model/capacity.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { Desired } from '../../model/documents/desired.js'
import type { SessionDocument, SessionTransfer } from '../../model/documents/session.js'
import type { TransferCounts } from '../../model/documents/stageLine.js'
import type { DesiredTransfer, TransferPart } from '../../model/documents/transfer.js'
import { clipped } from '../../model/fields.js'
import { knowsField } from '../../model/levels.js'
import { escaped } from '../../model/names.js'
import { phaseOf } from '../../model/phase.js'
import { currentTransfer, isCopying, isPrivate, nameOf, reportOf } from '../../model/transfers.js'
import { problemWithPlannedSize } from '../placement/stagingCapacity.js'
import type { Transition } from './bufferTransitions.js'
import type { DesiredRecord } from '../../model/desiredRecord.js'

/*
 * A stage line, while its session is staging:
 *
 *   (every brick online, no node has the buffer mounted) plan on the lead → copy, a share on every host of the buffer
 *   → finish on the lead → `ended` in the session's document → absent everywhere, the lead last
 *
 * Nodes are not known when data is staged in. What is meant for their own namespaces goes into the volume's template then, and
 * from there to each of them, at pre_run, as one transfer more (fill); a node mounts its namespace when that has ended well.
 * Out of them it goes in one transfer for all nodes.
 *
 * Shares are cut for the buffer's hosts and stay theirs: a host that is away is waited for. It may be alive and copying, and must
 * not write over what the job has written since. For the same reason a new attempt begins when every host is rid of the old one.
 */
export function desiredTransfers(cluster: Cluster, session: SessionDocument): DesiredRecord[] {
  const told = desiredOf(cluster, 'transfer', session)
  const current = currentTransfer(session)
  const isNow = ({ transfer, attempt }: DesiredTransfer) => transfer === current?.number && attempt === current.attempt
  const old = told
    .filter(({ document }) => !isNow(document))
    .map(({ host, document }) => {
      return recordOf(host, mayLeave(cluster, told, host, document) ? leaving(document) : document)
    })
  const now = current ? currentWants(cluster, session, current, told) : []
  const taken = new Set(now.map(({ host, id }) => at(host, id)))
  return [...old.filter(({ host, id }) => !taken.has(at(host, id))), ...now]
}

/** Nothing is read any more: a key would only make the document unreadable to a scheduler of the first release that leads again. */
function leaving(document: DesiredTransfer): DesiredTransfer {
  const left: DesiredTransfer = { ...document, wanted: 'absent' }
  delete left.noteKey
  return left
}

/** The line that is copied now has come to an end: all of it was tried, or a host has given it up. */
export function advanceTransfers(cluster: Cluster, session: SessionDocument, now: number): Transition | undefined {
  const current = currentTransfer(session)
  const buffer = current && cluster.buffers.get(current.buffer)
  if (!current || !buffer) return undefined
  const finished = finishOf(cluster, session, current)
  const failure = failureOf(cluster, session, current, buffer)
  if (failure === undefined && !finished) return undefined
  const counts = countsOf(cluster, session, current)
  const ended = { at: now, ...(counts ? { counts } : {}) }
  if (failure === undefined) {
    const copied = finished ? `${finished.totalFiles} files, ${printAbout(finished.totalBytes)}` : ''
    return end(cluster, session, current, { ...ended, state: 'done' }, `done: ${copied}`)
  }
  const failures = failuresOf(cluster, session, current)
  return end(
    cluster,
    session,
    current,
    { ...ended, state: 'failed', reason: clipped(failure), failures },
    `failed: ${failure}`,
  )
}

/** Some of the files that could not be copied so far. */
export function failuresOf(cluster: Cluster, session: SessionDocument, transfer: SessionTransfer): string[] {
  const reports = toldOf(cluster, session, transfer).flatMap(({ host, document }) => {
    return reportOf(cluster, host, document)?.failures ?? []
  })
  return [...new Set(reports)].slice(0, 20).map((failure) => clipped(escaped(failure)))
}

/** What has been copied of a line so far, of all hosts together; undefined before it was planned. */
export function countsOf(
  cluster: Cluster,
  session: SessionDocument,
  transfer: SessionTransfer,
): TransferCounts | undefined {
  const told = toldOf(cluster, session, transfer)
  const reports = told.flatMap(({ host, document }) => reportOf(cluster, host, document) ?? [])
  const finish = reports.find(({ part }) => part === 'finish')
  if (finish && finish.counts.totalFiles > 0) return finish.counts
  const copies = reports.filter(({ part }) => part === 'copy')
  if (copies.length === 0) return reports.find(({ part }) => part === 'plan')?.counts
  return copies
    .map(({ counts }) => counts)
    .reduce((a, b) => ({
      files: a.files + b.files,
      bytes: a.bytes + b.bytes,
      totalFiles: a.totalFiles + b.totalFiles,
      totalBytes: a.totalBytes + b.totalBytes,
      failed: a.failed + b.failed,
    }))
}

/** What its hosts do, or wait for. */
export function partOf(
  cluster: Cluster,
  session: SessionDocument,
  transfer: SessionTransfer,
): TransferPart | undefined {
  const parts = toldOf(cluster, session, transfer).map(({ document }) => document.part)
  return parts.find((part) => part === 'finish') ?? parts.find((part) => part === 'copy') ?? parts[0]
}

/** Why the line that is copied now does not go on, in words an operator can act on. */
export function waitsOf(cluster: Cluster, session: SessionDocument, transfer: SessionTransfer): string[] {
  const buffer = cluster.buffers.get(transfer.buffer)
  if (!buffer) return [`the buffer ${transfer.buffer}, which is gone`]
  const told = toldOf(cluster, session, transfer)
  if (told.length === 0) return whyNotYet(cluster, session, transfer, buffer)
  return told.flatMap(({ host, document }) => {
    if (!cluster.hosts.has(host) && !isDone(cluster, { host, document }, document.part))
      return [`host ${host}, which is lost`]
    const report = reportOf(cluster, host, document)
    const detail = report?.problem?.message ?? report?.waitingFor.join(', ') ?? ''
    return detail === '' ? [] : [`host ${host}: ${detail}`]
  })
}

type Told = readonly { host: string; document: DesiredTransfer }[]

/** The lead goes last: with it goes what the others read their shares from. */
function mayLeave(cluster: Cluster, told: Told, host: string, document: DesiredTransfer): boolean {
  if (document.wanted === 'absent' || document.share.index > 0) return true
  return told.every(
    (other) =>
      other.document.transfer !== document.transfer ||
      other.host === host ||
      !cluster.hosts.has(other.host) ||
      !isCopying(cluster, other.host, other.document),
  )
}

function currentWants(
  cluster: Cluster,
  session: SessionDocument,
  transfer: SessionTransfer,
  all: Told,
): DesiredRecord[] {
  const buffer = cluster.buffers.get(transfer.buffer)
  if (!buffer) return []
  const told = toldOf(cluster, session, transfer)
  const [lead] = serversOf(buffer)
  const leading = told.find(({ host }) => host === lead)
  if (told.length === 0) {
    const old = all.filter(({ document }) => document.transfer === transfer.number)
    const isFree = old.every(({ host, document }) => !isCopying(cluster, host, document))
    if (!isFree || whyNotYet(cluster, session, transfer, buffer).length > 0) return []
  }
  const key = noteKeyOf(cluster, told, serversOf(buffer))
  const records = (part: TransferPart, hosts: readonly string[]) =>
    hosts.map((host) => recordOf(host, { ...documentOf(session, transfer, buffer, host, part), ...key }))
  const isPlanned =
    told.some(({ document }) => document.part !== 'plan') || (leading && isDone(cluster, leading, 'plan'))
  if (!isPlanned) return records('plan', [lead!])
  if (leading?.document.part === 'plan' && failureOf(cluster, session, transfer, buffer) !== undefined)
    return records('plan', [lead!])
  const others = serversOf(buffer).slice(1)
  const isCopied =
    leading?.document.part === 'finish' ||
    /* guard: every-share-copied */ serversOf(buffer).every((host) => {
      const one = told.find((other) => other.host === host)
      return one !== undefined && isDone(cluster, one, 'copy')
    })
  return [...records(isCopied ? 'finish' : 'copy', [lead!]), ...records('copy', others)]
}

/**
 * An attempt gets its key with its first document, and keeps it: it stands nowhere else. Where one of the hosts is of a release that knows
 * no keys none gets one, for they read one another's notes.
 */
function noteKeyOf(cluster: Cluster, told: Told, hosts: readonly string[]): Pick<DesiredTransfer, 'noteKey'> {
  if (told.length > 0) {
    const noteKey = told.find(({ document }) => document.noteKey !== undefined)?.document.noteKey
    return noteKey === undefined ? {} : { noteKey }
  }
  const knows = (host: string) => {
    const document = cluster.hosts.get(host)
    return document && knowsField(document, 'desired/transfer', 'noteKey')
  }
  return hosts.every(knows) ? { noteKey: randomBytes(32).toString('base64url') } : {}
}

/** What must be before a line is planned. Without every brick a listing is silently not the whole. */
function whyNotYet(
  cluster: Cluster,
  session: SessionDocument,
  transfer: SessionTransfer,
  buffer: BufferDocument,
): string[] {
  const mounted = transfer.direction === 'out' ? hostsUnmounting(cluster, session, buffer) : []
  const held = mounted.map((host) => `host ${host} to unmount ${transfer.buffer}`)
  const old = desiredOf(cluster, 'transfer', session)
    .filter(({ document }) => document.transfer === transfer.number && document.attempt < transfer.attempt)
    .filter(({ host, document }) => isCopying(cluster, host, document))
    .map(({ host }) => `host ${host} to end the attempt before`)
  if (buffer.wanted === 'absent') {
    const lost = serversOf(buffer).filter((host) => !cluster.hosts.has(host))
    return [...held, ...old, ...lost.map((host) => `host ${host}, which is lost`)]
  }
  const { phase, waitingFor } = phaseOf(cluster, buffer)
  const unmade = whatIsUnmade(cluster, session, transfer, buffer)
  return [...held, ...old, ...(phase === 'ready' ? unmade : waitingFor)]
}

/** A user makes nothing in what is root's. What is copied out of was mounted by nodes, so that it is there. */
function whatIsUnmade(
  cluster: Cluster,
  session: SessionDocument,
  transfer: SessionTransfer,
  buffer: BufferDocument,
): string[] {
  if (transfer.direction === 'out') return []
  const { directory, nodes, template } = namespaceOf(session, transfer, buffer)
  const needed = nodes ? [template!, ...nodes.map((node) => `${directory}/${node}`)] : [directory]
  const made = volumeOf(cluster, buffer)?.directories ?? []
  const unmade = needed.filter((path) => path !== '/' && !made.includes(path))
  return unmade.length === 0 ? [] : [`volume ${buffer.volume} to have ${unmade.join(', ')}`]
}

/** Why this attempt cannot succeed. */
function failureOf(
  cluster: Cluster,
  session: SessionDocument,
  transfer: SessionTransfer,
  buffer: BufferDocument,
): string | undefined {
  const told = toldOf(cluster, session, transfer)
  for (const { host, document } of told) {
    const problem = reportOf(cluster, host, document)?.problem
    if (problem?.terminal) return escaped(`host ${host}: ${problem.message}`)
  }
  const finished = finishOf(cluster, session, transfer)
  if (finished && finished.failed > 0) {
    const [first] = failuresOf(cluster, session, transfer)
    return `${finished.failed} of ${finished.totalFiles} could not be copied${first === undefined ? '' : `, as ${first}`}`
  }
  if (transfer.direction === 'out') return undefined
  const plan = told
    .map(({ host, document }) => reportOf(cluster, host, document))
    .find((report) => report?.part === 'plan')
  return plan && problemWithPlannedSize(session, transfer, plan.counts.totalBytes, buffer)
}

/** What was copied in all, once it has been seen to be there. */
function finishOf(cluster: Cluster, session: SessionDocument, transfer: SessionTransfer): TransferCounts | undefined {
  const one = toldOf(cluster, session, transfer).find((one) => isDone(cluster, one, 'finish'))
  return one && reportOf(cluster, one.host, one.document)?.counts
}

function isDone(cluster: Cluster, { host, document }: Told[number], part: TransferPart): boolean {
  const report = reportOf(cluster, host, document)
  return report?.part === part && report.state === 'done'
}

/** What hosts are told of the line's present attempt. */
function toldOf(cluster: Cluster, session: SessionDocument, { number, attempt }: SessionTransfer): Told {
  return desiredOf(cluster, 'transfer', session).filter(
    ({ document }) => document.transfer === number && document.attempt === attempt,
  )
}

function end(
  cluster: Cluster,
  session: SessionDocument,
  { number }: SessionTransfer,
  ended: NonNullable<SessionTransfer['ended']>,
  event: string,
): Transition {
  const transfers = session.transfers!.map((transfer) =>
    transfer.number === number ? { ...transfer, ended } : transfer,
  )
  const ofLine = session.transfers!.find((transfer) => transfer.number === number)!
  return {
    changes: [{ kind: 'session', name: sessionKey(cluster, session), document: { ...session, transfers } }],
    events: [`${nameOf(ofLine)} of job ${session.token} ${event}`],
  }
}

function documentOf(
  session: SessionDocument,
  transfer: SessionTransfer,
  buffer: BufferDocument,
  host: string,
  part: TransferPart,
): Omit<Desired['transfer'], 'fence'> {
  const { number, attempt, direction, type, inside, outside, list, variable, verify, report } = transfer
  const servers = serversOf(buffer)
  return {
    v: 1,
    kind: 'transfer',
    session: { id: session.id, token: session.token },
    buffer: { id: buffer.id, name: transfer.buffer },
    transfer: number,
    attempt,
    direction,
    type,
    inside,
    ...(outside === undefined ? {} : { outside }),
    ...(list === undefined ? {} : { list }),
    variable,
    verify,
    ...(report === undefined ? {} : { report }),
    volume: buffer.volume,
    servers,
    ...namespaceOf(session, transfer, buffer),
    uid: session.uid,
    gid: session.gid,
    part,
    share: { index: servers.indexOf(host), of: servers.length },
    bricks: buffer.bricks.length,
    wanted: 'done',
  }
}

function namespaceOf(
  { computeHosts }: SessionDocument,
  transfer: SessionTransfer,
  buffer: BufferDocument,
): Pick<DesiredTransfer, 'directory' | 'nodes' | 'template'> {
  if (!isPrivate(transfer)) return { directory: viewDirectory(buffer, 'striped', '') || '/' }
  if (transfer.direction === 'in') return { directory: templateDirectory }
  const nodes = { directory: privateDirectory, nodes: [...computeHosts] }
  return transfer.direction === 'fill' ? { ...nodes, template: templateDirectory } : nodes
}

function recordOf(host: string, document: Omit<DesiredTransfer, 'fence'>): DesiredRecord {
  return { host, kind: 'transfer', id: transferId(document.session.id, document.transfer), document }
}
