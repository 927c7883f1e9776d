import type { Clock } from '../../daemon/clock.js'
import type { Log } from '../../daemon/log.js'
import { keys } from '../../store/keys.js'
import { type Compare, Denied, maxOperations, maxTransactionBytes, StoreError, type Write } from '../../store/store.js'
import type { Committer } from '../commit/committer.js'
import { pack } from '../commit/pack.js'
import { isRefusal } from '../commit/refusal.js'
import { fenceCompare } from '../commit/transaction.js'
import { refusedByEtcd } from './messages.js'

/** Compares and writes that stand or fall together. */
export interface Unit {
  /** What is written, the same at every try: `buffers/mytest`. */
  name: string
  compares: Compare[]
  writes: Write[]
  /** What is written instead when etcd refuses all of it together. */
  alone?: { compares: Compare[]; writes: Write[] }
  /** Whatever it was derived from is looked at again. */
  again: () => void
}

interface Refusal {
  reason: string
  untilMs: number
  pauseMs: number
  cancel: () => void
}

const firstPauseMs = 1_000
const maxPauseMs = 600_000
/** Rights that an operator mends count soon: nothing tells us of them. */
const maxPauseWhenDeniedMs = 60_000
const forgottenAfterMs = 60_000

/**
 * Writes units in as few transactions as etcd takes. One whose compares do not hold is looked at again. A transaction that etcd
 * refuses is taken apart: what is refused alone is logged, and tried again after longer and longer pauses, and nothing else waits.
 */
export class UnitWriter {
  private readonly refusals = new Map<string, Refusal>()

  constructor(
    private readonly committer: Pick<Committer, 'write'>,
    private readonly clock: Clock,
    private readonly log: Log,
    /** After a unit's `again`. */
    private readonly wake: () => void,
  ) {}

  async write(fence: number, units: Unit[]): Promise<void> {
    const due = units.filter(({ name, writes }) => writes.length > 0 && !this.isHeld(name))
    const batches = pack(due, sizeOf, { operations: maxOperations - 1, bytes: maxTransactionBytes })
    for (const batch of batches) {
      try {
        await this.writeBatch(fence, batch)
      } catch (error) {
        if (!isRefusal(error)) throw error
        await this.writeApart(fence, batch)
      }
    }
  }

  /** True while etcd has refused it and the next attempt is not due. */
  isHeld(name: string): boolean {
    const refusal = this.refusals.get(name)
    return refusal !== undefined && this.clock.monotonicMs() < refusal.untilMs
  }

  /** What etcd refuses, in words for an operator. */
  problems(): string[] {
    return [...this.refusals].map(([name, { reason }]) => refusedByEtcd(name, reason))
  }

  forget(): void {
    for (const { cancel } of this.refusals.values()) cancel()
    this.refusals.clear()
  }

  private async writeApart(fence: number, batch: Unit[]): Promise<void> {
    for (const unit of batch) {
      try {
        await this.writeBatch(fence, [unit])
      } catch (error) {
        if (!isRefusal(error)) throw error
        const { alone, ...rest } = unit
        if (alone) await this.writeApart(fence, [{ ...rest, ...alone }])
        else this.hold(unit, error)
      }
    }
  }

  private async writeBatch(fence: number, batch: Unit[]): Promise<void> {
    const compares = [fenceCompare(fence), ...batch.flatMap(({ compares }) => compares.filter(isNoFence))]
    const won = await this.committer.write({ compares, writes: batch.flatMap(({ writes }) => writes) })
    for (const { name, again } of batch) {
      this.refusals.get(name)?.cancel()
      this.refusals.delete(name)
      if (!won) again()
    }
  }

  private hold({ name, writes, again }: Unit, error: StoreError): void {
    const before = this.refusals.get(name)
    before?.cancel()
    const longest = error instanceof Denied ? maxPauseWhenDeniedMs : maxPauseMs
    const pauseMs = before ? Math.min(before.pauseMs * 2, longest) : firstPauseMs
    const reason = error.message
    this.log.error('etcd refuses a write; other writes continue', {
      name,
      keys: writes.map(keyOf),
      reason,
      pauseMs,
    })
    const refusal: Refusal = { reason, pauseMs, untilMs: this.clock.monotonicMs() + pauseMs, cancel: () => {} }
    refusal.cancel = this.clock.after(pauseMs, () => {
      again()
      this.wake()
      // Perhaps it is no longer wanted.
      refusal.cancel = this.clock.after(forgottenAfterMs, () => this.refusals.delete(name))
    })
    this.refusals.set(name, refusal)
  }
}

function sizeOf({ compares, writes }: Unit): { operations: number; bytes: number } {
  return {
    operations: compares.filter(isNoFence).length + writes.length,
    bytes: writes.reduce((sum, write) => sum + bytesOf(write), 0),
  }
}

/** Roughly the size of keys, operation id and protocol. */
const overheadBytes = 200

function bytesOf(write: Write): number {
  return overheadBytes + ('put' in write ? Buffer.byteLength(JSON.stringify(write.value)) : 0)
}

function keyOf(write: Write): string {
  return 'put' in write ? write.put : 'delete' in write ? write.delete : `${write.deletePrefix}*`
}

function isNoFence(compare: Compare): boolean {
  return compare.key !== keys.leader
}
