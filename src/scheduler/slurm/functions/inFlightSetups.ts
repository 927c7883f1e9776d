import { wasTornDown } from '../../admission/messages.js'
import { callerGone } from './messages.js'

/** A setup in progress, of a job or of a persistent buffer: it may wait until an earlier session is removed, or for devices. */
export class SetupTicket {
  /** Resolves when it is cancelled. */
  readonly cancelled: Promise<void>
  private reason: string | undefined
  private resolve = () => {}
  private isCallerThere = true

  constructor() {
    this.cancelled = new Promise((resolve) => (this.resolve = resolve))
  }

  /** Why it must not create anything any more: its token was torn down after the call was made, or its caller has ended. */
  whyCancelled(): string | undefined {
    return this.reason
  }

  get hasCaller(): boolean {
    return this.isCallerThere
  }

  loseCaller(): void {
    this.isCallerThere = false
    this.cancel(callerGone())
  }

  cancel(reason: string): void {
    this.reason ??= reason
    this.resolve()
  }
}

/** A teardown in progress. */
export class TeardownTicket {
  private isLate = false

  constructor(
    /** To be called when the teardown is decided: earlier setups must not create anything after that. */
    readonly decided: () => void,
  ) {}

  /** True when its token was set up again after the teardown was called. */
  get isOvertaken(): boolean {
    return this.isLate
  }

  overtake(): void {
    this.isLate = true
  }
}

/*
 * Slurm may tear a job down while its setup still runs. A setup that waits for an earlier session of its token, or for etcd, has
 * written nothing that the teardown could find. The teardown cancels it here; otherwise the setup would create a buffer that
 * nobody removes.
 *
 * A teardown that was delayed because etcd did not answer may still run when slurmctld was restarted and has set the job up again.
 * It must not remove what was created after it was called. So the calls of one token take effect in the order in which they
 * were made.
 */
export class InFlightSetups {
  private readonly setups = new OfTokens<SetupTicket>()
  private readonly teardowns = new OfTokens<TeardownTicket>()
  private readonly unfinished = new Map<string, number>()

  /**
   * Creates something for a token, unless the token is torn down meanwhile. `gone` resolves when the caller has ended: what was
   * created already stays for the repeated call. `owner` is the owner of the job.
   */
  async runSetup<T>(
    { token, gone, owner }: { token: string; gone: Promise<void>; owner?: number },
    make: (ticket: SetupTicket) => Promise<T>,
  ): Promise<T> {
    for (const teardown of this.teardowns.of(token)) teardown.overtake()
    const ticket = new SetupTicket()
    void gone.then(() => ticket.loseCaller())
    if (owner !== undefined) this.noteUnfinished(token, owner)
    this.setups.add(token, ticket)
    try {
      return await make(ticket)
    } finally {
      this.setups.remove(token, ticket)
      if (ticket.hasCaller && this.setups.of(token).length === 0) this.unfinished.delete(token)
    }
  }

  /** Cancels earlier setups, not later ones: a job that is requeued is set up again. */
  async runTeardown<T>(token: string, act: (ticket: TeardownTicket) => Promise<T>): Promise<T> {
    const before = this.setups.of(token)
    const ticket = new TeardownTicket(() => {
      for (const setup of before) setup.cancel(wasTornDown())
      if (!ticket.isOvertaken) this.unfinished.delete(token)
    })
    this.teardowns.add(token, ticket)
    try {
      return await act(ticket)
    } finally {
      this.teardowns.remove(token, ticket)
    }
  }

  /**
   * Setups of jobs that are in progress, or whose caller ended before the answer, until the job is torn down or set up again. By
   * token, with the owner. If slurmctld restarts during a setup, it assumes that the job stages in. Without a session it assumes
   * so forever; if it is told of one, it tears the job down and starts again.
   */
  unfinishedSetups(): ReadonlyMap<string, number> {
    return this.unfinished
  }

  private noteUnfinished(token: string, owner: number): void {
    this.unfinished.delete(token)
    this.unfinished.set(token, owner)
    if (this.unfinished.size > maxUnfinished) this.unfinished.delete([...this.unfinished.keys()][0]!)
  }
}

/** More than slurmctld ever has in progress; the oldest are forgotten. */
const maxUnfinished = 10_000

/** Calls in progress, by their token. */
class OfTokens<T> {
  private readonly calls = new Map<string, Set<T>>()

  of(token: string): T[] {
    return [...(this.calls.get(token) ?? [])]
  }

  add(token: string, call: T): void {
    this.calls.set(token, (this.calls.get(token) ?? new Set<T>()).add(call))
  }

  remove(token: string, call: T): void {
    const beside = this.calls.get(token)
    beside?.delete(call)
    if (beside?.size === 0) this.calls.delete(token)
  }
}
