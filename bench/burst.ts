import { type HostSpec, labSite } from '../lab/common/hosts.js'
import { create, destroy, untilAllFree, withLab } from './cluster.js'
import { type Benchmark, timed } from './measure.js'
import { planes, usePlane } from './planes.js'
import { comparedWithScripts } from './provision.js'
import { places, scripts } from './script.js'

const buffers = 20
const bricksEach = 3

/** The lab with as many disks as all buffers have bricks. */
const hosts = labSite.hosts.map((host): HostSpec => {
  const count = host.role === 'storage' ? (buffers * bricksEach) / 3 : 0
  return { ...host, devices: Array.from({ length: count }, (_, index) => `nvme${index + 1}n1`) }
})

export const burst: Benchmark = {
  describe: 'twenty buffers of three bricks at once, of each data plane, compared with the bare commands at once',
  run: (say) =>
    withLab(
      say,
      async (lab) => {
        const names = Array.from({ length: buffers }, (_, index) => `burst${index}`)
        const bricksOf = (index: number) => places(bricksEach, index * bricksEach)
        const ours: Record<string, { make: number; remove: number }> = {}
        const theirs: typeof ours = {}
        for (const plane of planes) {
          await usePlane(lab, plane)
          await untilAllFree(lab)
          const make = await timed(() => Promise.all(names.map((name) => create(lab, name, bricksEach))))
          const remove = await timed(() => Promise.all(names.map((name) => destroy(lab, name))))
          ours[plane] = { make, remove }
          say(`${plane}: made and removed`)
          const script = scripts[plane]
          theirs[plane] = {
            make: await timed(() => Promise.all(names.map((name, at) => script.create(lab, name, bricksOf(at))))),
            remove: await timed(() => Promise.all(names.map((name, at) => script.destroy(lab, name, bricksOf(at))))),
          }
          say(`${plane}: made and removed by scripts`)
        }
        return planes.flatMap((plane) =>
          (['make', 'remove'] as const).flatMap((part) =>
            comparedWithScripts(`${plane}: ${part} ${buffers} of ${bricksEach} at once`, plane, {
              ours: ours[plane]![part],
              scripts: Object.fromEntries(planes.map((each) => [each, theirs[each]![part]])),
              wanted: part === 'make' ? 0.5 : 0.1,
            }),
          ),
        )
      },
      { hosts },
    ),
}
