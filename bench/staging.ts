import { writeFileSync } from 'node:fs'
import type { Lab } from '../lab/namespaces/cluster.js'
import { users } from '../lab/common/hosts.js'
import type { DesiredTransfer, TransferPart } from '../src/model/documents/transfer.js'
import { create, destroy, must, withLab } from './cluster.js'
import { type Benchmark, type Figure, type Say, timed } from './measure.js'

const alice = users[0]!
const name = 'staged'
const servers = ['gluster1', 'gluster2', 'gluster3']
const mount = '/mnt/theirs'
const outside = '/home/alice/source'
const fpsync = 'fpsync -n 4'

/**
 * Stage-in and stage-out by the three storage hosts of a buffer, compared with the fastest of `rsync -a`, `rsync -aHAXS` and
 * `fpsync` on a single host, on mounts of the same volume. The hosts of the lab share this machine's cores and its only disk.
 *
 * All runs have the same conditions. Each begins when all earlier data is on the disk and none of it in memory. A first run that is
 * not counted gives the sparse files of the lab's disks their blocks. What leaves the buffer is on the disk at the end of each run.
 */
export const staging: Benchmark = {
  describe:
    '20,000 small files and one of 4 GB (--files, --size), in and out, compared with rsync -a, -aHAXS and fpsync',
  run: (say, { files, bytes }) =>
    withLab(say, async (lab) => {
      await create(lab, name, 3)
      await must(lab, 'gluster1', ['mkdir', '-p', mount])
      await must(lab, 'gluster1', ['mount', '-t', 'glusterfs', `localhost:/${name}`, mount])
      const figures: Figure[] = []
      for (const [what, make] of [
        [`${files.toLocaleString('en')} files of 4 kB`, smallFiles(files)],
        [`one file of ${bytes / 1e9} GB`, `head -c ${bytes} /dev/urandom >large`],
      ] as const) {
        await asAlice(lab, `mkdir -p ${outside} && cd ${outside} && ${make}`)
        await asAlice(lab, `rsync -a ${outside}/ ${mount}/warm/ && rm -rf ${mount}/warm`)
        for (const direction of ['in', 'out'] as const) {
          figures.push(...(await compared(lab, say, what, direction)))
        }
        await asAlice(lab, `rm -rf ${outside} /home/alice/ours ${mount}/ours`)
      }
      await must(lab, 'gluster1', ['umount', mount])
      await destroy(lab, name)
      return figures
    }),
}

/** Ours against the fastest of the others, and each of the others by itself. */
async function compared(lab: Lab, say: Say, what: string, direction: 'in' | 'out'): Promise<Figure[]> {
  const measured = async (label: string, copy: () => Promise<number>) => {
    await asAlice(lab, 'sync')
    writeFileSync('/proc/sys/vm/drop_caches', '3')
    const seconds = (await copy()) / 1000
    say(`${what}, ${direction}: ${label} ${seconds.toFixed(1)} s`)
    return seconds
  }
  const ours = await measured('ours', () => stage(lab, direction))
  const [from, to] = direction === 'in' ? [outside, mount] : [`${mount}/ours`, '/home/alice']
  const written = direction === 'in' ? '' : '; sync --file-system /home/alice'
  const others: { what: string; value: number }[] = []
  for (const [program, command] of [
    ['rsync -a', 'rsync -a'],
    // Our copy also keeps hard links, ACLs, extended attributes and holes.
    ['rsync -aHAXS', 'rsync -aHAXS'],
    [fpsync, `${fpsync} -f 2000 -t /tmp/fpsync -o '-lptgoD'`],
  ] as const) {
    await asAlice(lab, `mkdir ${to}/theirs`)
    const copy = () => timed(() => asAlice(lab, `${command} ${from}/ ${to}/theirs/${written}`))
    others.push({ what: program, value: await measured(program, copy) })
    await asAlice(lab, `rm -rf ${to}/theirs`)
  }
  const ofAll = { what: `${what}, ${direction}`, value: ours, unit: 's' }
  const fastest = others.reduce((best, one) => (one.value < best.value ? one : best))
  return others.map((against) => ({
    ...ofAll,
    against,
    ...(against === fastest ? { wanted: 'fastest: at most 1' } : {}),
  }))
}

const smallFiles = (files: number) =>
  `for d in $(seq 20); do mkdir $d; head -c ${Math.ceil(files / 20) * 4096} /dev/urandom | split -b 4096 -a 4 - $d/; done`

/** Plans on the first host, copies a share on each, finishes on the first, and cleans up everywhere. Returns milliseconds. */
async function stage(lab: Lab, direction: 'in' | 'out'): Promise<number> {
  const sides = { outside: direction === 'in' ? outside : '/home/alice/ours' }
  const transfer: DesiredTransfer = {
    v: 1,
    fence: 1,
    kind: 'transfer',
    session: { id: direction === 'in' ? 900_001 : 900_002, token: name },
    buffer: { id: 1, name },
    transfer: 1,
    attempt: 1,
    direction,
    type: 'directory',
    inside: 'ours',
    ...sides,
    variable: `DW_PERSISTENT_STRIPED_${name}`,
    verify: false,
    volume: name,
    servers,
    directory: '/',
    uid: alice.uid,
    gid: alice.uid,
    part: 'plan',
    share: { index: 0, of: servers.length },
    bricks: servers.length,
    ranges: true,
    wanted: 'done',
  }
  const part = (index: number, part: TransferPart, wanted: DesiredTransfer['wanted'] = 'done') =>
    onHost(lab, servers[index]!, { ...transfer, part, wanted, share: { index, of: servers.length } })
  const onEach = async (name: TransferPart, wanted?: DesiredTransfer['wanted']) =>
    Math.max(...(await Promise.all(servers.map((_, index) => part(index, name, wanted)))))
  const times = [await part(0, 'plan'), await onEach('copy'), await part(0, 'finish'), await onEach('finish', 'absent')]
  return times.reduce((sum, ms) => sum + ms, 0)
}

async function onHost(lab: Lab, host: string, transfer: DesiredTransfer): Promise<number> {
  // Node looks for packages from this folder.
  const program = [
    'env',
    '--chdir=/opt/burstbuffer',
    process.execPath,
    '--import',
    'tsx',
    '/opt/burstbuffer/bench/stageHost.ts',
    host,
    JSON.stringify(transfer),
  ]
  const said = JSON.parse(await must(lab, host, program)) as { counts: { failed: number }; ms: number }
  if (said.counts.failed > 0) throw new Error(`${transfer.part} on ${host}: ${JSON.stringify(said)}`)
  return said.ms
}

async function asAlice(lab: Lab, script: string): Promise<void> {
  const { code, stdout, stderr } = await lab.exec('gluster1', ['bash', '-ec', script], {
    user: alice.name,
    timeoutMs: 1_800_000,
  })
  if (code !== 0) throw new Error(`${script} exited ${code}: ${stderr || stdout}`)
}
