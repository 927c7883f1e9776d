import { create, destroy, untilAllFree, withLab } from './cluster.js'
import { type Benchmark, type Figure, median, timed } from './measure.js'
import { places, scriptCreate, scriptDestroy } from './script.js'

const repetitions = 3

/** The time until a persistent buffer is ready, and until it is gone, compared with the bare commands. */
export const provision: Benchmark = {
  describe: 'create and destroy of 1, 3 and 10 bricks, compared with a shell script of the same commands',
  run: (say) =>
    withLab(say, async (lab) => {
      const figures: Figure[] = []
      for (const count of [1, 3, 10]) {
        const times = {
          create: [] as number[],
          scriptCreate: [] as number[],
          destroy: [] as number[],
          scriptDestroy: [] as number[],
        }
        const bricks = places(count)
        for (let round = 0; round < repetitions; round++) {
          times.create.push(await timed(() => create(lab, 'measured', count)))
          times.destroy.push(await timed(() => destroy(lab, 'measured')))
          await untilAllFree(lab)
          times.scriptCreate.push(await timed(() => scriptCreate(lab, 'script', bricks)))
          times.scriptDestroy.push(await timed(() => scriptDestroy(lab, 'script', bricks)))
          say(`${count} bricks, round ${round + 1} of ${repetitions}`)
        }
        const seconds = (of: number[]) => median(of) / 1000
        figures.push(
          {
            what: `create, ${count} bricks`,
            value: seconds(times.create),
            unit: 's',
            against: { what: 'script', value: seconds(times.scriptCreate) },
            wanted: 'at most 1.3 times',
          },
          {
            what: `destroy, ${count} bricks`,
            value: seconds(times.destroy),
            unit: 's',
            against: { what: 'script', value: seconds(times.scriptDestroy) },
            wanted: 'at most 1.3 times',
          },
        )
      }
      return figures
    }),
}
