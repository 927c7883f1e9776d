/** A call that makes something of its token: a setup, say, that waits for an earlier session to go. */
export interface SetupTicket {
  /** Why it shall make nothing any more: a teardown of its token was decided after it had come, or its caller has gone. */
  whyNot(): string | undefined
  /** Resolves when there is a reason. */
  readonly givenUp: Promise<void>
  end(): void
}

/** A teardown that is under way. */
export interface TeardownTicket {
  /** A call that makes something of its token has come after it. */
  isOvertaken(): boolean
  /** It is decided: what had come before it makes nothing any more. */
  decided(): void
  end(): void
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
  private readonly inFlightSetups = new OfTokens<{ giveUp: (why: string) => void }>()
  private readonly teardowns = new OfTokens<{ isOvertaken: boolean }>()
  private readonly unfinished = new Map<string, number>()

  /** Makes something of a token, unless it is torn down in between. */
  async during<T>(
    { token, gone, owner }: { token: string; gone: Promise<void>; owner?: number },
    make: (setup: SetupTicket) => Promise<T>,
  ): Promise<T> {
    const setup = this.begin(token, gone, owner)
    try {
      return await make(setup)
    } finally {
      setup.end()
    }
  }

  /**
   * `gone`: resolves when the caller is not there any more. What is made already stays, for the call that comes again.
   * `owner`: whose job it sets up.
   */
  private begin(token: string, gone: Promise<void>, owner?: number): SetupTicket {
    for (const teardown of this.teardowns.of(token)) teardown.isOvertaken = true
    let why: string | undefined
    let tell = () => {}
    const givenUp = new Promise<void>((resolve) => (tell = resolve))
    const giveUp = (reason: string) => {
      why ??= reason
      tell()
    }
    let isCallerGone = false
    void gone.then(() => {
      isCallerGone = true
      giveUp('its caller has gone')
    })
    if (owner !== undefined) this.noteUnfinished(token, owner)
    const end = this.inFlightSetups.add(token, { giveUp })
    return {
      whyNot: () => why,
      givenUp,
      end: () => {
        end()
        if (!isCallerGone && this.inFlightSetups.of(token).length === 0) this.unfinished.delete(token)
      },
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

  /** Setups that come later are not meant: a job that is requeued is set up anew. */
  beginTearDown(token: string): TeardownTicket {
    const before = this.inFlightSetups.of(token)
    const teardown = { isOvertaken: false }
    return {
      isOvertaken: () => teardown.isOvertaken,
      decided: () => {
        for (const setup of before) setup.giveUp('it was torn down')
        if (!teardown.isOvertaken) this.unfinished.delete(token)
      },
      end: this.teardowns.add(token, teardown),
    }
  }
}

/** More than slurmctld ever has under way; the oldest are forgotten. */
const maxUnfinished = 10_000

/** Calls that are under way, by their token. */
class OfTokens<T> {
  private readonly open = new Map<string, Set<T>>()

  of(token: string): T[] {
    return [...(this.open.get(token) ?? [])]
  }

  /** Gives what ends it. */
  add(token: string, call: T): () => void {
    const beside = this.open.get(token) ?? new Set<T>()
    this.open.set(token, beside.add(call))
    return () => {
      beside.delete(call)
      if (beside.size === 0 && this.open.get(token) === beside) this.open.delete(token)
    }
  }
}
