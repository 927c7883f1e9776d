import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { commandAs, atTerminal } from '../common/commandAs.js'
import type { Devices } from './devices.js'
import { layOut } from '../common/files.js'
import { labSite, type HostSpec } from '../common/hosts.js'
import type { ExecOptions } from '../common/interface.js'
import { initOf, powerOff, type Init } from '../common/init.js'
import { inside, powerOn } from './namespace.js'
import { Programs } from '../common/programs.js'
import { run, type Result } from '../common/run.js'
import { endSwaps } from './swaps.js'
import type { Network } from './network.js'
import * as messages from '../common/messages.js'

/** One host of the lab: its power, its network, its programs. */
export class LabHost {
  readonly programs: Programs

  constructor(
    readonly spec: HostSpec,
    private readonly dir: string,
    private readonly devices: Devices,
    private readonly net: Network,
  ) {
    this.programs = new Programs(spec, labSite, (argv, options) => this.exec(argv, options))
  }

  isOn(): boolean {
    return initOf(this.dir) !== undefined
  }

  async on(mungeKey: Buffer): Promise<void> {
    mkdirSync(this.dir, { recursive: true })
    layOut(this.dir, this.spec, mungeKey)
    await this.devices.attach(this.spec, join(this.dir, 'devices'))
    const init = await powerOn(this.spec.name, this.dir)
    await this.net.plugIn(this.spec, init)
  }

  /**
   * The network is disconnected first: a host that loses its power closes no connection. Swap is turned off before that, and once
   * more in case the agent has turned swap on meanwhile.
   */
  async off(): Promise<void> {
    await this.endSwaps()
    if (this.isOn()) await this.net.unplug(this.spec)
    await powerOff(this.spec.name, this.dir)
    await this.endSwaps()
  }

  exec(argv: readonly string[], { input, timeoutMs, ...who }: ExecOptions = {}): Promise<Result> {
    const options = { ...(input === undefined ? {} : { input }), ...(timeoutMs === undefined ? {} : { timeoutMs }) }
    return run(inside(this.init(), commandAs(labSite, argv, who)), options)
  }

  /** The same, as the arguments of a command for a terminal. */
  shell(argv: readonly string[]): string[] {
    return inside(this.init(), atTerminal(labSite, argv))
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }

  private async endSwaps(): Promise<void> {
    if (this.spec.role === 'compute') await endSwaps(this.spec.name, this.dir, initOf(this.dir))
  }

  private init(): Init {
    const init = initOf(this.dir)
    if (!init) throw new Error(messages.hostIsOff(this.spec.name))
    return init
  }
}
