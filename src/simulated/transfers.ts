import type { TransferFacts } from '../agent/port/host.js'
import { transferId } from '../model/cluster.js'
import type { DesiredTransfer } from '../model/documents/transfer.js'
import { connect, offlineBricks } from './direct.js'
import type { SimulatedGluster } from './gluster.js'
import type { SimulatedMachine } from './machine.js'

/*
 * Transfers on simulated machines. Nothing is copied: each part is done when it has begun. Its counts are those of
 * `SimulatedMachine.staged`.
 */
export function transferFacts(machine: SimulatedMachine, transfer: DesiredTransfer): TransferFacts {
  const mounted = machine.transfers.get(idOf(transfer))
  const facts = { mounted: mounted !== undefined, orphans: 0 }
  if (!mounted?.done.has(whatOf(transfer))) return facts
  const { files, bytes, failures } = machine.staged
  const isScan = transfer.part === 'plan'
  const copied = isScan ? { files: 0, bytes: 0, failed: 0 } : { files, bytes, failed: failures.length }
  const counts = { ...copied, totalFiles: files + failures.length, totalBytes: bytes }
  return { ...facts, done: { counts, failures: isScan ? [] : failures } }
}

export function mountTransfer(machine: SimulatedMachine, gluster: SimulatedGluster, transfer: DesiredTransfer): void {
  const { volume, servers, tls, direct = [] } = transfer
  for (const source of direct) connect(gluster.machines, machine, { ...source, tls })
  if (direct.length === 0 && !servers.some((server) => gluster.canMount(machine.name, server, { volume })))
    throw new Error(`no gluster server gives ${volume}: ${servers.join(', ')}`)
  machine.transfers.set(idOf(transfer), { volume: transfer.volume, done: new Set() })
}

export function doTransfer(machine: SimulatedMachine, gluster: SimulatedGluster, transfer: DesiredTransfer): void {
  const { volume, direct = [] } = transfer
  const asked = direct[0] ? offlineBricks(gluster.machines, direct[0]) : gluster.offlineBricks(volume)
  const offline = transfer.part === 'copy' ? [] : asked
  if (offline.length > 0) throw new Error(`every brick must be online, and is not: ${offline.join(', ')}`)
  machine.transfers.get(idOf(transfer))?.done.add(whatOf(transfer))
}

export function endTransfer(machine: SimulatedMachine, transfer: DesiredTransfer): void {
  machine.transfers.delete(idOf(transfer))
}

function idOf({ session, transfer }: DesiredTransfer): string {
  return transferId(session.id, transfer)
}

function whatOf({ part, attempt, share }: DesiredTransfer): string {
  return part === 'copy' ? `${part} ${attempt} ${share.index}` : `${part} ${attempt}`
}
