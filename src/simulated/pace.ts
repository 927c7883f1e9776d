import type { DesiredKind } from '../model/documents/desired.js'
import type { Clock } from '../daemon/clock.js'
import type { Step } from '../agent/port/steps.js'

/**
 * When a simulated host executes a step, and whether it fails. An effect consists of acts, each of one instant. Between them a
 * program may die; the remaining acts then happen or not.
 */
export interface Pace {
  look<T>(host: string, kind: DesiredKind | 'discover', act: () => T): Promise<T>
  effect(host: string, step: Step, acts: (() => void)[]): Promise<void>
}

/** Roughly the time of each step on one machine with loop devices. */
const usualMs: Record<Step['kind'], number> = {
  formatBrick: 20,
  mountBrick: 13,
  stampBrick: 5,
  makeBrickDirectory: 2,
  stopBrickProcess: 100,
  unmountBrick: 10,
  wipeBrick: 30,
  createVolume: 80,
  setVolumeOptions: 80,
  startVolume: 180,
  makeDirectories: 100,
  stopVolume: 1000,
  deleteVolume: 1000,
  probePeer: 300,
  makeExports: 2,
  admitClients: 10,
  startBrick: 20,
  renewCertificates: 2,
  stopBrick: 20,
  closePorts: 10,
  mountBuffer: 50,
  renewCertificate: 2,
  unmountBuffer: 20,
  signalMountUsers: 100,
  unmountBelow: 20,
  allocateSwap: 20,
  attachSwap: 20,
  encryptSwap: 50,
  enableSwap: 50,
  disableSwap: 100,
  closeSwap: 20,
  detachSwap: 20,
  removeSwap: 10,
  adoptDevice: 30,
  mountTransfer: 50,
  renewTransferCertificate: 2,
  scanTransfer: 100,
  copyTransfer: 100,
  finishTransfer: 100,
  stopTransfer: 100,
  endTransfer: 50,
}
const lookMs = 2

/** A fault. It applies to steps that match every given part. */
export interface Fault {
  step?: Step['kind']
  host?: string
  device?: string
  /** How often the fault happens; always if not given. */
  times?: number
  /** The step takes so much longer. */
  slowMs?: number
  /** The step fails with this error; `after`: after it was done. */
  error?: Error
  after?: boolean
}

/** Every step takes its usual time on the clock, unless a fault says otherwise. */
export class SteadyPace implements Pace {
  private faults: { fault: Fault; left: number }[] = []

  constructor(private readonly clock: Clock) {}

  /** Adds a fault, until the returned function is called or the fault has happened as often as it says. */
  add(fault: Fault): () => void {
    const entry = { fault, left: fault.times ?? Infinity }
    this.faults.push(entry)
    return () => (entry.left = 0)
  }

  async look<T>(_host: string, _kind: DesiredKind | 'discover', act: () => T): Promise<T> {
    await this.pause(lookMs)
    return act()
  }

  async effect(host: string, step: Step, acts: (() => void)[]): Promise<void> {
    const faults = this.take(host, step)
    const slowMs = faults.reduce((sum, fault) => sum + (fault.slowMs ?? 0), 0)
    const failing = faults.find(({ error }) => error !== undefined)
    await this.pause((usualMs[step.kind] + slowMs) / acts.length)
    if (failing && !failing.after) throw failing.error!
    for (const [index, act] of acts.entries()) {
      if (index > 0) await this.pause((usualMs[step.kind] + slowMs) / acts.length)
      act()
    }
    if (failing) throw failing.error!
  }

  private take(host: string, step: Step): Fault[] {
    const device = deviceOf(step)
    const matching = this.faults.filter(
      ({ fault, left }) =>
        left > 0 &&
        (fault.step ?? step.kind) === step.kind &&
        (fault.host ?? host) === host &&
        (fault.device ?? device) === device,
    )
    for (const entry of matching) entry.left--
    this.faults = this.faults.filter(({ left }) => left > 0)
    return matching.map(({ fault }) => fault)
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(ms, resolve))
  }
}

/** The device of a step, if it has one. */
export function deviceOf(step: Step): string | undefined {
  return 'brick' in step ? step.brick.device : 'adopt' in step ? step.adopt.device : undefined
}
