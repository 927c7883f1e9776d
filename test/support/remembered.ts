import type { Cluster } from '../../lab/common/interface.js'
import { untilDevice } from './bricks.js'
import { fingerprint, inBuffer, must, type Remembered } from './invariants.js'
import { SlurmAt } from './slurm.js'

/** Disks of others: an ext4, an XFS that is not ours, raw data without a signature. */
const foreign: [host: string, device: string, command: string][] = [
  ['gluster1', 'nvme7n1', 'mkfs.ext4 -q -E nodiscard,lazy_itable_init=1,lazy_journal_init=1 -O ^has_journal'],
  ['gluster2', 'nvme7n1', 'mkfs.xfs -q -K'],
  ['gluster3', 'nvme6n1', 'printf data | dd conv=notrunc,fsync status=none of='],
]

/** A persistent buffer with a brick on every storage host, which stays through all faults. */
export const enduring = 'enduring'

/** Puts into a fresh lab what must be as it was after every fault. */
export async function prepareForFaults(lab: Cluster): Promise<Remembered> {
  const prints = foreign.map(async ([host, device, command]) => {
    await lab.stopService(host, 'agent')
    await must(lab, host, command.endsWith('=') ? `${command}/dev/${device}` : `${command} /dev/${device}`)
    await lab.startService(host, 'agent')
    await untilDevice(lab, host, device, 'foreign')
    const place = `${host}/${device}`
    return [place, await fingerprint(lab, place)] as const
  })
  const bystanders = new Map(await Promise.all(prints))
  await new SlurmAt(lab).createPersistent('alice', enduring, '3TB')
  const write = 'head -c 4M /dev/urandom >before && sync before && sha256sum <before'
  return { bystanders, file: { buffer: enduring, name: 'before', sum: await inBuffer(lab, enduring, write) } }
}
