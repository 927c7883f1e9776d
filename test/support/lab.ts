import { Lab } from '../../lab/cluster.js'
import type { Cluster } from '../../lab/interface.js'

/*
 * The tests of one suite share one lab: the first that asks brings it up, and it is taken down after the last. Each
 * leaves it as it found it: no buffer, every device free, every service running.
 */

export interface LabHooks {
  before?: () => Promise<unknown>
  after?: () => Promise<unknown>
}

/** Registers the hooks of tests that need the lab; they are skipped, and counted so, where no lab can be. */
export type UseLab = (hooks?: LabHooks) => Cluster

export const useLab = sharedLab('e2e')

/** A lab of that id, and what is done once when it has come up. */
export function sharedLab(id: string, prepare?: (lab: Cluster) => Promise<void>): UseLab {
  const lab = new Lab({ id })
  let coming: Promise<void> | undefined
  let anyFailed = false

  after(async function () {
    this.timeout(60_000)
    if (!coming) return
    const cameUp = await coming.then(
      () => true,
      () => false,
    )
    if (!lab.isMine()) return
    if (anyFailed || !cameUp) console.log(`logs of the lab's hosts: ${lab.saveLogs()}`)
    await lab.down()
  })

  return (hooks = {}) => {
    let isUp = false
    before(async function () {
      if (process.getuid?.() !== 0) this.skip()
      coming ??= lab.up().then(() => prepare?.(lab))
      await coming
      isUp = true
      await hooks.before?.()
    })
    after(async () => {
      if (isUp) await hooks.after?.()
    })
    afterEach(function () {
      if (this.currentTest?.state === 'failed') anyFailed = true
    })
    return lab
  }
}
