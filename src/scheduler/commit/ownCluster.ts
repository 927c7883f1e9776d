import type { Clock } from '../../daemon/clock.js'
import type { Log } from '../../daemon/log.js'
import { recordCluster } from '../../store/clusterName.js'
import { otherCluster } from '../../store/messages.js'
import type { Store } from '../../store/store.js'
import { checkTransition, type Transitions } from '../../store/transitions.js'

const retryMs = 1_000
const otherMs = 5_000

/** another: until somebody corrects it. The name is compared again and again until it is ours. */
type State = { name: 'unknown' } | { name: 'ours' } | { name: 'another'; problem: string } | { name: 'closed' }

const transitions: Transitions<State['name']> = {
  unknown: ['ours', 'another', 'closed'],
  another: ['ours', 'another', 'closed'],
  ours: ['closed'],
  closed: ['closed'],
}

/** Whether etcd belongs to our cluster: the name is recorded at the very first start, and compared at each start. */
export class OwnCluster {
  /** Resolves when etcd is ours; never while it belongs to another cluster. */
  readonly confirmed: Promise<void>
  private state: State = { name: 'unknown' }
  private confirm = () => {}
  private cancel = () => {}

  constructor(private readonly parts: { store: Store; name: string; clock: Clock; log: Log }) {
    this.confirmed = new Promise((resolve) => (this.confirm = resolve))
    void this.look()
  }

  /** Why nothing is done; undefined when etcd is ours or not yet known. */
  problem(): string | undefined {
    return this.state.name === 'another' ? this.state.problem : undefined
  }

  close(): void {
    this.enter({ name: 'closed' })
    this.cancel()
  }

  private enter(state: State): void {
    checkTransition("the cluster's name", transitions, this.state.name, state.name)
    this.state = state
  }

  private async look(): Promise<void> {
    const { store, name, clock, log } = this.parts
    try {
      const recorded = await recordCluster(store, name)
      if (this.state.name === 'closed') return
      if (recorded === name) {
        this.enter({ name: 'ours' })
        return this.confirm()
      }
      const problem = otherCluster(recorded, name, 'scheduler')
      if (problem !== this.problem())
        log.error('this etcd belongs to another cluster, nothing is done', { reason: problem })
      this.enter({ name: 'another', problem })
    } catch (error) {
      log.debug('the name of the cluster could not be compared', { reason: String(error) })
    }
    const pauseMs = this.problem() === undefined ? retryMs : otherMs
    if (this.state.name !== 'closed') this.cancel = clock.after(pauseMs, () => void this.look())
  }
}
