import { mkdirSync, readdirSync, truncateSync, writeFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { deviceBytes, type HostSpec } from '../common/hosts.js'
import { must } from '../common/run.js'

/** The device nodes with which a compute node attaches swap files. Loop devices belong to the machine; any of them may be free. */
const swapNodes = [
  'loop-control c 10 237',
  // The device mapper, which encrypts swap if the kernel has it.
  'mapper/control c 10 236',
  ...Array.from({ length: 256 }, (_, number) => `loop${number} b 7 ${number}`),
]

/** Disks: sparse files on loop devices. A disk of 1 TB uses no space until it is written. Disks stay when a host is killed. */
export class Devices {
  constructor(private readonly dir: string) {}

  /** Makes and attaches missing disks, and writes the list from which `init.sh` makes device nodes. */
  async attach(host: HostSpec, listFile: string): Promise<void> {
    mkdirSync(this.dir, { recursive: true })
    const lines = host.role === 'compute' ? [...swapNodes] : []
    for (const device of host.devices) {
      const file = join(this.dir, `${host.name}-${device}.img`)
      if (!existsSync(file)) {
        writeFileSync(file, '')
        truncateSync(file, deviceBytes)
      }
      const loop = (await this.loopsOf(file))[0] ?? (await must(['losetup', '--find', '--show', file])).trim()
      const [major, minor] = (await must(['stat', '-c', '%Hr %Lr', loop])).trim().split(' ')
      lines.push(`${device} b ${major} ${minor}`)
    }
    writeFileSync(listFile, lines.map((line) => `${line}\n`).join(''))
  }

  /** Detaches every loop device of this lab's files, whoever attached it: also those that a lab with more disks left. */
  async detach(): Promise<void> {
    for (const name of existsSync(this.dir) ? readdirSync(this.dir) : [])
      for (const loop of await this.loopsOf(join(this.dir, name))) await must(['losetup', '--detach', loop])
  }

  /**
   * Empties the file of a disk and sets its size. The loop device keeps its size: reads beyond the end of the file fail.
   */
  async resize(host: HostSpec, device: string, bytes: number): Promise<void> {
    const file = join(this.dir, `${host.name}-${device}.img`)
    truncateSync(file, 0)
    truncateSync(file, bytes)
    for (const loop of await this.loopsOf(file)) await must(['blockdev', '--flushbufs', loop])
  }

  private async loopsOf(file: string): Promise<string[]> {
    const lines = (await must(['losetup', '--noheadings', '--output', 'NAME', '--associated', file])).split('\n')
    return lines.map((line) => line.trim()).filter((line) => line !== '')
  }
}
