/** A setup that is under way, of a job or of a persistent buffer: it may wait for an earlier session to go, or for devices. */
export class SetupTicket {
  /** Resolves when it is cancelled. */
  readonly cancelled: Promise<void>
  private reason: string | undefined
  private resolve = () => {}
  private isCallerThere = true

  constructor() {
    this.cancelled = new Promise((resolve) => (this.resolve = resolve))
  }

  /** Why it shall make nothing any more: a teardown of its token was decided after it had come, or its caller has gone. */
  whyCancelled(): string | undefined {
    return this.reason
  }

  get hasCaller(): boolean {
    return this.isCallerThere
  }

  loseCaller(): void {
    this.isCallerThere = false
    this.cancel('its caller has gone')
  }

  cancel(reason: string): void {
    this.reason ??= reason
    this.resolve()
  }
}

/** A teardown that is under way. */
export class TeardownTicket {
  private isLate = false

  constructor(
    /** It is decided: what had come before it makes nothing any more. */
    readonly decided: () => void,
  ) {}

  /** A setup of its token has come after it. */
  get isOvertaken(): boolean {
    return this.isLate
  }

  overtake(): void {
    this.isLate = true
  }
}

/*
 * Slurm tears a job down while its setup may still run. A setup that has written nothing yet, because an earlier session of its
 * token is in the way or etcd is away, leaves nothing that a teardown could find: it must hear of it here, or it would make
 * what nobody takes away again.
 *
 * And a teardown may still run, because etcd was away, when slurmctld was restarted and has set the job up anew: it must not
 * take what was made after it had come. So calls of one token count in the order in which they came.
 */
export class InFlightSetups {
  private readonly setups = new OfTokens<SetupTicket>()
  private readonly teardowns = new OfTokens<TeardownTicket>()
  private readonly unfinished = new Map<string, number>()

  /**
   * Makes something of a token, unless it is torn down in between. `gone` resolves when the caller is not there any more: what is made
   * already stays, for the call that comes again. `owner`: whose job it sets up.
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

  /** Setups that come later are not meant: a job that is requeued is set up anew. */
  async runTeardown<T>(token: string, act: (ticket: TeardownTicket) => Promise<T>): Promise<T> {
    const before = this.setups.of(token)
    const ticket = new TeardownTicket(() => {
      for (const setup of before) setup.cancel('it was torn down')
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
   * Setups of jobs that are under way, or whose caller went before they had an answer; until the job is torn down or set up
   * again. By token, with the owner. A slurmctld that is restarted over one takes the job to be staging in, and does so
   * for ever where it hears of no session: told of one, it tears the job down and begins anew.
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

/** More than slurmctld ever has under way; the oldest are forgotten. */
const maxUnfinished = 10_000

/** Calls that are under way, by their token. */
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
