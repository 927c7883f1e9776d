import { expect } from 'chai'
import type { Cluster } from '../../lab/common/interface.js'
import { until } from '../../lab/common/until.js'
import type { BufferView } from '../../src/model/api.js'
import type { BufferDocument } from '../../src/model/documents/buffer.js'

/** What was there before a fault, and must be there after it. */
export interface Remembered {
  /** Disks of others, beside ours: `gluster1/nvme7n1` and the checksum of their ends. */
  bystanders: ReadonlyMap<string, string>
  /** A file in a persistent buffer whose hosts live. */
  file: { buffer: string; name: string; sum: string }
}

/** Holds after any fault: one owner for a device, the disks of others untouched, every buffer ready or gone, files whole. */
export async function expectInvariants(lab: Cluster, remembered: Remembered, deadlineMs = 150_000): Promise<void> {
  await untilReadyOrGone(lab, deadlineMs)
  await expectOneOwner(lab)
  for (const [place, print] of remembered.bystanders) {
    expect(await fingerprint(lab, place), `${place}, which holds data of others`).to.equal(print)
  }
  await untilWhole(lab, remembered.file)
}

/** A host that has just come back counts as ready until its agent has looked: its bricks are served a moment later. */
async function untilWhole(lab: Cluster, { buffer, name, sum }: Remembered['file']): Promise<void> {
  const ask = () => inBuffer(lab, buffer, `sha256sum <${name}`)
  await until({ what: `${name} in ${buffer} is whole`, seen: ask }, async () => (await ask()) === sum)
}

export async function untilReadyOrGone(lab: Cluster, deadlineMs: number): Promise<void> {
  const seen = async () => JSON.stringify(await buffersOf(lab))
  await until({ what: 'every buffer is ready or gone', deadlineMs, seen }, async () => {
    return (await buffersOf(lab)).every(({ phase }) => phase === 'ready')
  })
}

export async function untilPhase(lab: Cluster, name: string, phase: string): Promise<void> {
  const seen = async () => JSON.stringify(await buffersOf(lab))
  await until({ what: `${name} is ${phase}`, deadlineMs: 120_000, seen }, async () => {
    return (await buffersOf(lab)).some((buffer) => buffer.name === name && buffer.phase === phase)
  })
}

/** In the buffers' documents, and on the disks themselves: a brick that is mounted carries the UUID of the one buffer that has it. */
async function expectOneOwner(lab: Cluster): Promise<void> {
  const lines = await must(lab, 'head', 'etcdctl get --prefix --print-value-only /burstbuffer/buffers/')
  const buffers = lines
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as BufferDocument)
  const bricks = buffers.flatMap(({ bricks }) => bricks)
  const places = buffers.flatMap(({ bricks, released }) => [...bricks, ...released].map((b) => `${b.host}/${b.device}`))
  expect(places, 'devices with two owners').to.have.lengthOf(new Set(places).size)
  for (const { host, device, uuid } of bricks) {
    const seen = await must(lab, host, `blkid --probe --match-tag UUID --output value /dev/${device}`)
    expect(seen, `the stamp of ${host}/${device}`).to.equal(uuid)
  }
}

export async function buffersOf(lab: Cluster): Promise<BufferView[]> {
  return JSON.parse(await must(lab, 'head', 'node /opt/burstbuffer/dist/cli/bbctl.js buffers --json')) as BufferView[]
}

/** Runs a command in a fresh mount of a buffer on a storage host, which mounts as any client does. */
export async function inBuffer(lab: Cluster, buffer: string, command: string): Promise<string> {
  // One that was begun again has a volume with another name.
  const document = await must(lab, 'head', `etcdctl get --print-value-only /burstbuffer/buffers/${buffer}`)
  const { volume } = JSON.parse(document) as BufferDocument
  const go = `d=$(mktemp -d) && mount -t glusterfs gluster1:/${volume} $d && (cd $d && ${command}); code=$?; umount $d; exit $code`
  return must(lab, 'gluster1', go)
}

/** The first and the last MiB, where file systems and tables have their signatures. */
export function fingerprint(lab: Cluster, place: string): Promise<string> {
  const [host, device] = place.split('/')
  return must(lab, host!, `{ head -c 1M /dev/${device}; tail -c 1M /dev/${device}; } | sha256sum`)
}

export async function must(lab: Cluster, host: string, command: string): Promise<string> {
  const { code, stdout, stderr } = await lab.exec(host, ['sh', '-c', command], { timeoutMs: 90_000 })
  if (code !== 0) throw new Error(`${command} on ${host} exited ${code}: ${(stderr || stdout).trim()}`)
  return stdout.trim()
}
