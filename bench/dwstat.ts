import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { keys } from '../src/store/keys.js'
import { aBuffer, aHost, aSession } from '../test/support/builders.js'
import { SocketRig } from '../test/support/socketRig.js'
import { type Benchmark, type Figure, median } from './measure.js'

const hosts = 500
const buffersEach = 20
const bricksEach = 24
const calls = 5
const words = ['pools', 'sessions', 'instances', 'configurations', 'nodes', 'fragments', 'most', 'all']
const execute = promisify(execFile)

/** The program that Slurm runs asks an idle scheduler with ten thousand buffers of one brick. */
export const dwstat: Benchmark = {
  describe: `dwstat with ${hosts * buffersEach} buffers, for which Slurm waits 2 s`,
  run: async (say) => {
    const rig = new SocketRig()
    try {
      const names = Array.from({ length: hosts }, (_, index) => `gluster${index + 1}`)
      const store = rig.etcd.open()
      for (const [at, host] of names.entries()) {
        for (let number = 1; number <= buffersEach; number++) {
          const id = at * buffersEach + number
          const name = `b${id}`
          const buffer = aBuffer({ name, id, bricks: [`${host}/nvme${number}n1`], builtAt: 1 })
          const session = aSession({ token: name, id: 1_000_000 + id, buffer: name })
          await store.write([], [{ put: keys.buffer(name), value: buffer }])
          await store.write([], [{ put: keys.session(name), value: session }])
        }
      }
      await rig.start(names.map((name) => aHost(name, { devices: bricksEach })))
      await untilAtRest(rig, say)
      const figures: Figure[] = []
      for (const word of words) {
        const times: number[] = []
        for (let call = 0; call < calls; call++) times.push(await timedCall(rig.socket, word))
        figures.push({ what: `dwstat ${word}`, value: median(times), unit: 's', wanted: 'under 2 s' })
      }
      return figures
    } finally {
      await rig.stop()
    }
  },
}

/** Waits until every brick and volume was written to its host, and reported. */
async function untilAtRest({ cache: { observed } }: SocketRig, say: (line: string) => void): Promise<void> {
  while (observed.volume.size < hosts * buffersEach || observed.brick.size < hosts * buffersEach) {
    say(`${observed.volume.size} volumes reported`)
    await pause(2_000)
  }
}

/** The seconds that program, socket and table take together. */
async function timedCall(socket: string, word: string): Promise<number> {
  const program = resolve(import.meta.dirname, '../dist/bin/dwstat')
  const env = { BURSTBUFFER_SOCKET: socket }
  const start = performance.now()
  const { stdout } = await execute(program, [word], { env, maxBuffer: 64 * 1024 ** 2 })
  if (word === 'all' && stdout.split('\n').length < 3 * hosts * buffersEach)
    throw new Error(`it said ${stdout.slice(0, 500)}`)
  return (performance.now() - start) / 1000
}
