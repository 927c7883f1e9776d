import type { Clock } from '../../src/daemon/clock.js'
import type { FakeEtcd, FakeStore } from '../../src/store/fake.js'
import type { Compare, Entry, Store, WatchHandlers, Write } from '../../src/store/store.js'
import type { World } from './world.js'

/** Where a program may die: told before and after each thing that it does to the world. True: it dies here. */
export type Fate = (program: string, point: string) => boolean

/**
 * One run of a program, from its start to its death. Whatever it waits for comes through its life, so that after death no
 * line of its code runs any more; what it had sent or ordered before may still happen, late.
 */
export class Life {
  isAlive = true
  /** Commands that it started go on without it. */
  hasOrphans = false
  readonly store: Store
  readonly atDeath: (() => void)[] = []
  /** Keys it has read, linearizably, and not acted on since, with what it was told. */
  readonly read = new Map<string, Entry | undefined>()
  private sendsOn = false
  private frozen: (() => void)[] | undefined
  private readonly door: FakeStore

  constructor(
    readonly program: string,
    private readonly world: World,
    etcd: FakeEtcd,
    private readonly fate: Fate,
    private readonly onDeath: (life: Life) => void,
  ) {
    this.door = etcd.open({ clock: this.clock, defer: (act) => this.defer(act) })
    this.store = this.mortalStore()
  }

  readonly clock: Clock = {
    unixSeconds: () => this.world.clock.unixSeconds(),
    monotonicMs: () => this.world.clock.monotonicMs(),
    after: (ms, act) => this.world.at(ms, () => this.whenAwake(act)),
  }

  die(): void {
    if (!this.isAlive) return
    this.isAlive = false
    this.hasOrphans = this.world.random() < 0.5
    this.sendsOn = this.world.random() < 0.5
    this.door.kill({ sendsOn: this.sendsOn })
    this.onDeath(this)
    for (const act of this.atDeath) act()
  }

  /** As SIGSTOP, or a machine that is paused: everything is held until `thaw`. */
  freeze(): void {
    this.frozen ??= []
  }

  thaw(): void {
    const held = this.frozen ?? []
    this.frozen = undefined
    for (const act of held) this.world.at(this.world.random() * 5, () => this.whenAwake(act))
  }

  cut(): void {
    this.door.cut()
  }

  heal(): void {
    if (this.isAlive) this.door.heal()
  }

  /** Dies at this point if that is its fate; whoever asks must then do nothing more. */
  passes(point: string): boolean {
    if (!this.isAlive) return false
    if (this.fate(this.program, point)) this.die()
    return this.isAlive
  }

  whenAwake(act: () => void): void {
    if (!this.isAlive) return
    if (this.frozen) this.frozen.push(act)
    else act()
  }

  private defer(act: () => void): void {
    this.world.deliver(() => {
      if (this.isAlive) return this.whenAwake(act)
      // What a dead program had sent is under way for as long as a network may keep it.
      if (this.sendsOn) this.world.at(this.world.random() * 40_000, act)
    })
  }

  private mortalStore(): Store {
    const { door } = this
    const mortal = <T>(point: string, call: () => Promise<T>, then: (value: T) => void = () => {}): Promise<T> => {
      return new Promise((resolve, reject) => {
        if (!this.passes(`before ${point}`)) return
        call().then(
          (value) => {
            if (!this.passes(`after ${point}`)) return
            then(value)
            resolve(value)
          },
          (error: Error) => this.isAlive && reject(error),
        )
      })
    }
    return {
      list: (prefix: string) => mortal('list', () => door.list(prefix)),
      get: (key: string) =>
        mortal(
          'get',
          () => door.get(key),
          (entry) => this.read.set(key, entry),
        ),
      write: (compares: Compare[], writes: Write[]) => mortal('write', () => door.write(compares, writes)),
      watch: (prefix: string, handlers: WatchHandlers) => door.watch(prefix, handlers),
      lease: (ttlSeconds: number) => mortal('lease', () => door.lease(ttlSeconds)),
      usage: () => mortal('usage', () => door.usage()),
      close: () => door.close(),
    }
  }
}
