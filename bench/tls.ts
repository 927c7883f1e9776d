import { execFileSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { markDirectory } from '../src/agent/host/dataplane/direct/brickDirectory.js'
import { startBrick, stopBrick } from '../src/agent/host/dataplane/direct/brickStart.js'
import { runningClient, startClient, stopClient } from '../src/agent/host/dataplane/direct/clientStart.js'
import { tlsFilesOf, writeCredential } from '../src/agent/host/dataplane/direct/credentials.js'
import { type Directories, filesOf } from '../src/agent/host/dataplane/direct/files.js'
import { graphs } from '../src/agent/host/dataplane/common/graphs.js'
import { runCommand } from '../src/agent/host/exec/run.js'
import { brickCredential, clientCredential } from '../src/scheduler/dataplane/direct/certificates.js'
import { aCertified } from '../test/support/certified.js'
import { freePort } from '../test/support/directRig.js'
import { type Benchmark, type Figure, median, timed } from './measure.js'

const mebibytes = 1024
const ways = ['clear', 'tls'] as const
type Way = (typeof ways)[number]
type Measured = Record<'mount' | 'write' | 'read' | 'clientCpu' | 'brickCpu', number>

const host = '127.0.0.1'
const holder = 'bench'
const warn = () => {}

/** One brick in memory and one client on this machine: the most that encryption can cost beside anything else. */
export const tls: Benchmark = {
  describe: 'one GiB written and read by a buffer that agents serve, with TLS and without it',
  run: async (say, { rounds }) => {
    const seen: Record<Way, Measured[]> = { clear: [], tls: [] }
    for (let round = 0; round < rounds; round++) {
      for (const way of ways) {
        seen[way].push(await measured(way))
        say(`${way}, round ${round + 1} of ${rounds}`)
      }
    }
    return figuresOf(seen)
  },
}

function figuresOf(seen: Record<Way, Measured[]>): Figure[] {
  const of = (way: Way, part: keyof Measured) => median(seen[way].map((each) => each[part]))
  const figure = (what: string, part: keyof Measured, unit: string, from = (value: number) => value): Figure => ({
    what: `${what}, with TLS`,
    value: from(of('tls', part)),
    unit,
    against: { what: 'without', value: from(of('clear', part)) },
  })
  const rate = (ms: number) => (mebibytes * 1000) / ms
  return [
    figure('a mount that answers', 'mount', 'ms'),
    figure('written', 'write', 'MiB/s', rate),
    figure('read', 'read', 'MiB/s', rate),
    figure('CPU of the client for both', 'clientCpu', 's'),
    figure('CPU of the brick for both', 'brickCpu', 's'),
  ]
}

async function measured(way: Way): Promise<Measured> {
  const top = mkdtempSync(join(tmpdir(), 'burstbuffer-bench-'))
  const [disk, mountPoint] = [join(top, 'disk'), join(top, 'mnt')]
  const directories = { run: join(top, 'run'), log: join(top, 'log') }
  for (const path of [disk, mountPoint, ...Object.values(directories)]) mkdirSync(path, { mode: 0o700 })
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${2 * mebibytes}M`, 'brick', disk])
  const uuid = randomUUID()
  try {
    return await onBrick(way, { uuid, disk, mountPoint, directories })
  } finally {
    await stopClient(holder, { name: holder, mountPoint, directories }, runCommand)
    await stopBrick(uuid, directories)
    execFileSync('umount', [disk])
    rmSync(top, { recursive: true })
  }
}

interface Place {
  uuid: string
  disk: string
  mountPoint: string
  directories: Directories
}

async function onBrick(way: Way, { uuid, disk, mountPoint, directories }: Place): Promise<Measured> {
  const directory = join(disk, 'brick')
  mkdirSync(directory)
  await markDirectory(directory, uuid, runCommand)
  const [brickAccess, clientAccess] = await accessOf(way, uuid, directories)
  const port = await freePort()
  const served = { name: 'data', directory, volumeId: uuid }
  const where = { address: host, port, dispersed: false }
  const brick = await startBrick(
    {
      uuid,
      directory,
      volume: holder,
      fingerprint: way,
      serves:
        'tls' in brickAccess
          ? { ...where, tls: brickAccess.tls, exports: [{ ...served, holders: [holder] }] }
          : { ...where, exports: [{ ...served, logins: [brickAccess.login] }] },
      directories,
      oomScoreAdj: 0,
    },
    runCommand,
    warn,
  )
  const bricks = [{ host, port, export: 'data' }]
  const mount = await timed(() =>
    startClient(
      {
        id: holder,
        name: holder,
        volume: { bricks, layout: { kind: 'distribute' }, ...clientAccess },
        mountPoint,
        graph: graphs.exact,
        directories,
        oomScoreAdj: 0,
        timeoutMs: 20_000,
      },
      runCommand,
      warn,
    ),
  )
  const client = (await runningClient(mountPoint))!
  const [clientBefore, brickBefore] = [cpuSecondsOf(client.pid), cpuSecondsOf(brick.pid)]
  const file = join(mountPoint, 'file')
  const write = await timed(() => dd('if=/dev/zero', `of=${file}`, 'conv=fsync'))
  const read = await timed(() => dd(`if=${file}`, 'of=/dev/null'))
  return {
    mount,
    write,
    read,
    clientCpu: cpuSecondsOf(client.pid) - clientBefore,
    brickCpu: cpuSecondsOf(brick.pid) - brickBefore,
  }
}

async function accessOf(way: Way, uuid: string, directories: Directories) {
  if (way === 'clear') {
    const login = { user: holder, password: randomBytes(32).toString('hex') }
    return [{ login }, { login }] as const
  }
  const buffer = aCertified(Math.floor(Date.now() / 1000))
  const [brick, client] = [filesOf('brick', uuid, directories), filesOf('client', holder, directories)]
  await writeCredential(brick, brickCredential(buffer, host))
  await writeCredential(client, clientCredential(buffer, holder, 1))
  return [{ tls: tlsFilesOf(brick) }, { tls: tlsFilesOf(client) }] as const
}

async function dd(...words: string[]): Promise<void> {
  const { code, stderr } = await runCommand(['dd', 'bs=1M', `count=${mebibytes}`, ...words], { timeoutMs: 120_000 })
  if (code !== 0) throw new Error(stderr)
}

/** User and system, of all its threads. Source: proc_pid_stat(5), in hundredths of a second. */
function cpuSecondsOf(pid: number): number {
  const words = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
  return (Number(words[11]) + Number(words[12])) / 100
}
