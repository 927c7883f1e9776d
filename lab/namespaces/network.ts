import { spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HostSpec } from '../common/hosts.js'
import { initOf, powerOff, startTimeOf, type Init } from '../common/init.js'
import { insideNet, ip } from './namespace.js'
import { run } from '../common/run.js'
import { until } from '../common/until.js'
import { labNotUp } from '../common/messages.js'

/*
 * The lab's network: a bridge in a network namespace of its own, with a cable (veth) to every host. It is separate from the
 * machine's network: no address can collide, several labs can run at once, and no packet filter of the machine, such as the
 * FORWARD policy of a container engine, sees the packets.
 */
export class Network {
  constructor(private readonly dir: string) {}

  async on(): Promise<void> {
    mkdirSync(this.dir, { recursive: true })
    const child = spawn('unshare', ['--net', 'sleep', 'infinity'], { detached: true, stdio: 'ignore' })
    const pid = child.pid
    child.unref()
    if (pid === undefined) throw new Error('cannot start the lab network: is util-linux (unshare) installed?')
    await until({ what: 'a network namespace' }, async () => (await namespaceOf(pid)) !== (await namespaceOf('self')))
    writeFileSync(join(this.dir, 'init'), `${pid} ${startTimeOf(pid)}\n`)
    await ip(pid, 'link', 'add', 'lab', 'type', 'bridge', 'forward_delay', '0')
    await ip(pid, 'link', 'set', 'lab', 'up')
  }

  async off(): Promise<void> {
    await powerOff('the switch', this.dir)
    rmSync(this.dir, { recursive: true, force: true })
  }

  async plugIn(host: HostSpec, init: Init): Promise<void> {
    const pid = this.pid()
    await this.unplug(host)
    const ends = ['name', 'eth0', 'netns', String(init.pid), 'type', 'veth', 'peer', 'name', host.name]
    await ip(pid, 'link', 'add', ...ends, 'netns', String(pid))
    await ip(pid, 'link', 'set', host.name, 'master', 'lab', 'up')
    await ip(init.pid, 'address', 'add', `${host.address}/24`, 'dev', 'eth0')
    await ip(init.pid, 'link', 'set', 'eth0', 'up')
  }

  async unplug(host: HostSpec): Promise<void> {
    await run(insideNet(this.pid(), ['ip', 'link', 'delete', host.name]))
  }

  async cut(host: HostSpec): Promise<void> {
    await ip(this.pid(), 'link', 'set', host.name, 'down')
  }

  async heal(host: HostSpec): Promise<void> {
    await ip(this.pid(), 'link', 'set', host.name, 'up')
  }

  async isCut(host: HostSpec): Promise<boolean> {
    const flags = /<(.*)>/.exec(await ip(this.pid(), '-oneline', 'link', 'show', host.name))?.[1] ?? ''
    return !flags.split(',').includes('UP')
  }

  private pid(): number {
    const init = initOf(this.dir)
    if (!init) throw new Error(labNotUp())
    return init.pid
  }
}

async function namespaceOf(pid: number | 'self'): Promise<string> {
  const { stdout } = await run(['readlink', `/proc/${pid === 'self' ? process.pid : pid}/ns/net`])
  return stdout
}
