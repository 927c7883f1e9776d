import { create, destroy, untilAllFree, withLab } from './cluster.js'
import { type Benchmark, timed } from './measure.js'
import { places, scriptCreate, scriptDestroy } from './script.js'

const buffers = 20

/** Twenty buffers of one brick, requested at once, compared with the script for one buffer after the other. */
export const burst: Benchmark = {
  describe: 'twenty buffers at once, compared with the script for one after the other',
  run: (say) =>
    withLab(say, async (lab) => {
      const names = Array.from({ length: buffers }, (_, index) => `burst${index}`)
      const created = await timed(() => Promise.all(names.map((name) => create(lab, name, 1))))
      say('made at once')
      const destroyed = await timed(() => Promise.all(names.map((name) => destroy(lab, name))))
      await untilAllFree(lab)
      say('removed at once')
      const bricks = places(buffers)
      const inTurn = await timed(async () => {
        for (const [index, brick] of bricks.entries()) await scriptCreate(lab, `turn${index}`, [brick])
      })
      say('made in turn')
      const removedInTurn = await timed(async () => {
        for (const [index, brick] of bricks.entries()) await scriptDestroy(lab, `turn${index}`, [brick])
      })
      const figure = (what: string, ours: number, theirs: number) => ({
        what,
        value: ours / 1000,
        unit: 's',
        against: { what: 'script, in turn', value: theirs / 1000 },
        wanted: 'faster',
      })
      return [
        figure(`create ${buffers} at once`, created, inTurn),
        figure(`destroy ${buffers} at once`, destroyed, removedInTurn),
      ]
    }),
}
