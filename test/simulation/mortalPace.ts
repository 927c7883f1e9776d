import { isDestructive, type Step } from '../../src/agent/port/steps.js'
import type { SimulatedMachine } from '../../src/simulated/machine.js'
import { deviceOf, type Pace } from '../../src/simulated/pace.js'
import type { Invariants } from './invariants.js'
import type { Life } from './life.js'
import type { World } from './world.js'

/** Done by the agent itself; everything else is a command that it starts, which may outlive it. */
const own = new Set<Step['kind']>(['stampBrick', 'makeBrickDirectory', 'stopBrickProcess', 'wipeBrick', 'adoptDevice'])

/** Effects in virtual time, with a place to die before and after each act of each. */
export function mortalPace(life: Life, machine: SimulatedMachine, world: World, invariants: Invariants): Pace {
  /** Never comes back to a program that is dead. */
  const wake = (ms: number) => new Promise<void>((resolve) => world.at(ms, () => life.whenAwake(resolve)))
  return {
    look: async (_host, kind, act) => {
      await wake(world.random() * 5)
      if (!life.passes(`look at ${kind}`)) return new Promise(() => {})
      return act()
    },
    effect: (host, step, acts) => {
      if (isDestructive[step.kind]) invariants.onOrder(life, host, step)
      return new Promise((resolve, reject) => {
        const device = deviceOf(step)
        const disk = device === undefined ? undefined : machine.disks.get(device)
        const held = 'opened exclusively by a command'
        const end = (settle: () => void) => {
          if (disk) disk.users = disk.users.filter((user) => user !== held)
          if (life.passes(`after ${step.kind}`)) life.whenAwake(settle)
        }
        const next = (index: number) => {
          // What glusterd has begun it ends, whatever becomes of the command that asked for it.
          const goesOn = index > 0 && 'volume' in step
          if (!life.isAlive && !goesOn && (own.has(step.kind) || !life.hasOrphans)) return end(() => {})
          if (!machine.isOn) return
          if (life.isAlive && !life.passes(`before ${step.kind} ${index + 1}`) && own.has(step.kind))
            return end(() => {})
          if (!life.isAlive && !life.hasOrphans && !goesOn) return end(() => {})
          try {
            if (disk) disk.users = disk.users.filter((user) => user !== held)
            invariants.onAct(host, step)
            acts[index]!()
            invariants.changed = true
          } catch (error) {
            return end(() => reject(error instanceof Error ? error : new Error(String(error))))
          }
          if (index + 1 === acts.length) return end(resolve)
          if (disk) disk.users.push(held)
          world.at(1 + world.random() * 100, () => next(index + 1))
        }
        world.at(1 + world.random() * 50, () => next(0))
      })
    },
  }
}
