import { privateDirectory, templateDirectory, viewDirectory } from '../../model/access.js'
import { serversOf } from '../../model/buffers.js'
import { transferId } from '../../model/cluster.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { Desired } from '../../model/documents/desired.js'
import type { SessionDocument, SessionTransfer } from '../../model/documents/session.js'
import type { DesiredTransfer, TransferPart } from '../../model/documents/transfer.js'
import { isPrivate } from '../../model/transfers.js'
import { dataPlaneOf } from '../dataplane/index.js'
import type { DesiredRecord } from '../../model/desiredRecord.js'

export function recordOf(host: string, document: Omit<DesiredTransfer, 'fence'>): DesiredRecord {
  return { host, kind: 'transfer', id: transferId(document.session.id, document.transfer), document }
}

export function documentOf(
  session: SessionDocument,
  transfer: SessionTransfer,
  buffer: BufferDocument,
  host: string,
  part: TransferPart,
): Omit<Desired['transfer'], 'fence'> {
  const { number, attempt, direction, type, inside, outside, list, variable, verify, report } = transfer
  const servers = serversOf(buffer)
  const namespace = namespaceOf(session, transfer, buffer)
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
    ...dataPlaneOf(buffer).transferSource(buffer, namespace, session.id),
    ...namespace,
    uid: session.uid,
    gid: session.gid,
    part,
    share: { index: servers.indexOf(host), of: servers.length },
    bricks: buffer.bricks.length,
    wanted: 'done',
  }
}

export function namespaceOf(
  { computeHosts }: SessionDocument,
  transfer: SessionTransfer,
  buffer: BufferDocument,
): Pick<DesiredTransfer, 'directory' | 'nodes' | 'template'> {
  if (!isPrivate(transfer)) return { directory: viewDirectory(buffer, 'striped', '') || '/' }
  if (transfer.direction === 'in') return { directory: templateDirectory }
  const nodes = { directory: privateDirectory, nodes: [...computeHosts] }
  return transfer.direction === 'fill' ? { ...nodes, template: templateDirectory } : nodes
}
