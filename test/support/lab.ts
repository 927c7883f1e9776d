import { Lab } from '../../lab/namespaces/cluster.js'
import { ComposeCluster } from '../../lab/containers/compose.js'
import { LocalEngine } from '../../lab/containers/dockerd.js'
import type { Cluster } from '../../lab/common/interface.js'
import { showAftermath } from './aftermath.js'

/*
 * The tests of one suite share one lab: the first that asks brings it up, and it is taken down after the last. Each
 * leaves it as it found it: no buffer, every device free, every service running.
 */

/** No test with a lab takes so long: what it waits for has deadlines of its own, which say what did not come. */
export const labTestMs = 900_000

export interface LabHooks {
  before?: () => Promise<unknown>
  after?: () => Promise<unknown>
}

/** Registers the hooks of tests that need the lab; they are skipped, and counted so, where no lab can be. */
export type UseLab<C extends Cluster = Cluster> = (hooks?: LabHooks) => C

const inContainers = process.env['BURSTBUFFER_CLUSTER'] === 'docker'
const say = (line: string) => console.log(`    ${line}`)

/** The end-to-end tests'. With BURSTBUFFER_CLUSTER=docker it is the cluster in containers, on an engine of our own. */
export const useLab: UseLab = shared<Cluster>(
  inContainers ? new ComposeCluster({ id: 'e2e', engine: 'own', say }) : new Lab({ id: 'e2e' }),
)

/** A lab of that id, and what is done once when it has come up. */
export function sharedLab(id: string, prepare?: (lab: Cluster) => Promise<void>): UseLab<Lab> {
  return shared(new Lab({ id }), prepare)
}

function shared<C extends Cluster>(lab: C, prepare?: (lab: C) => Promise<void>): UseLab<C> {
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
    if (anyFailed || !cameUp) console.log(`logs of the lab's hosts: ${await lab.saveLogs()}`)
    await lab.down()
  })

  return (hooks = {}) => {
    let isUp = false
    const hook = async (act?: () => Promise<unknown>) => {
      try {
        await act?.()
      } catch (error) {
        anyFailed = true
        await showAftermath(lab)
        throw error
      }
    }
    before(async function () {
      const impossible = whyNot()
      if (impossible !== undefined) {
        say(`skipped: ${impossible}`)
        this.skip()
      }
      // An image may have to be made.
      if (inContainers) this.timeout(1_000_000)
      coming ??= lab.up().then(() => prepare?.(lab))
      await coming
      isUp = true
      await hook(hooks.before)
    })
    after(async () => {
      if (isUp) await hook(hooks.after)
    })
    afterEach(async function () {
      if (this.currentTest?.state !== 'failed') return
      anyFailed = true
      if (isUp) await showAftermath(lab)
    })
    return lab
  }
}

function whyNot(): string | undefined {
  if (inContainers) return LocalEngine.impossible()
  return process.getuid?.() === 0 ? undefined : 'the lab needs root'
}
