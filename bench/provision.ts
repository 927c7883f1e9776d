import type { DataPlaneName } from '../src/model/documents/direct.js'
import { create, destroy, untilAllFree, withLab } from './cluster.js'
import { type Benchmark, type Figure, median, timed } from './measure.js'
import { planes, usePlane } from './planes.js'
import { places, scripts } from './script.js'

type Times = Record<'make' | 'remove' | 'scriptMake' | 'scriptRemove', number[]>

/** The time until a persistent buffer is ready, and until it is gone. */
export const provision: Benchmark = {
  describe: 'making and removing buffers, of each data plane, compared with the bare commands',
  run: (say, { counts, rounds }) =>
    withLab(say, async (lab) => {
      const times = new Map<string, Times>()
      for (let round = 0; round < rounds; round++) {
        for (const plane of planes) {
          await usePlane(lab, plane)
          for (const count of counts) {
            const { make, remove, scriptMake, scriptRemove } = timesOf(times, plane, count)
            const bricks = places(count)
            await untilAllFree(lab)
            make.push(await timed(() => create(lab, 'measured', count)))
            remove.push(await timed(() => destroy(lab, 'measured')))
            scriptMake.push(await timed(() => scripts[plane].create(lab, 'script', bricks)))
            scriptRemove.push(await timed(() => scripts[plane].destroy(lab, 'script', bricks)))
            say(`${plane}, ${count} bricks, round ${round + 1} of ${rounds}`)
          }
        }
      }
      return counts.flatMap((count) => planes.flatMap((plane) => figuresOf(times, plane, count)))
    }),
}

function timesOf(times: Map<string, Times>, plane: DataPlaneName, count: number): Times {
  const key = `${plane} ${count}`
  const found = times.get(key) ?? { make: [], remove: [], scriptMake: [], scriptRemove: [] }
  times.set(key, found)
  return found
}

function figuresOf(times: Map<string, Times>, plane: DataPlaneName, count: number): Figure[] {
  const ours = timesOf(times, plane, count)
  const parts = [
    { verb: 'make', part: 'make', script: 'scriptMake', wanted: 0.6 },
    { verb: 'remove', part: 'remove', script: 'scriptRemove', wanted: 0.15 },
  ] as const
  return parts.flatMap(({ verb, part, script, wanted }) =>
    comparedWithScripts(`${plane}: ${verb}, ${count} bricks`, plane, {
      ours: median(ours[part]),
      scripts: Object.fromEntries(planes.map((each) => [each, median(timesOf(times, each, count)[script])])),
      wanted,
    }),
  )
}

/** glusterd's script is what both planes are held against; direct is also compared with its own. Times in milliseconds. */
export function comparedWithScripts(
  what: string,
  plane: DataPlaneName,
  times: { ours: number; scripts: Record<string, number>; wanted: number },
): Figure[] {
  const against = (each: DataPlaneName): Figure => ({
    what,
    value: times.ours / 1000,
    unit: 's',
    against: { what: `${each}'s script`, value: times.scripts[each]! / 1000 },
  })
  if (plane === 'glusterd') return [{ ...against('glusterd'), wanted: 'at most 1.3 times' }]
  return [{ ...against('glusterd'), wanted: `at most ${times.wanted} times` }, against('direct')]
}
