import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Context } from 'mocha'

/** Loop devices need root; without it the suite is skipped, and counted so. */
export function needsRoot(context: Context): void {
  if (process.getuid?.() !== 0) context.skip()
}

/** A directory with sparse files on loop devices, each under a name as in /dev. All is given back by `close`. */
export class LoopDevices {
  readonly directory = mkdtempSync(join(tmpdir(), 'burstbuffer-loop-'))
  private readonly devices = new Map<string, string>()
  private readonly files = new Map<string, string>()
  private readonly mounts: string[] = []
  private hasRam = false

  /** Makes `<directory>/dev/<name>`, a link to a loop device of that size. */
  add(name: string, sizeBytes: number, options: { readOnly?: boolean; withoutDiscard?: boolean } = {}): string {
    const file = join(options.withoutDiscard ? this.ramDirectory() : this.directory, `${name}.img`)
    this.files.set(name, file)
    writeFileSync(file, '')
    truncateSync(file, sizeBytes)
    const flags = options.readOnly ? ['--read-only'] : []
    const device = execFileSync('losetup', ['--find', '--show', ...flags, file], { encoding: 'utf8' }).trim()
    this.devices.set(name, device)
    const path = join(this.directory, 'dev', name)
    mkdirSync(join(this.directory, 'dev'), { recursive: true })
    symlinkSync(device, path)
    return path
  }

  /** Makes `<directory>/dev/<name>`, another way to the disk of that name. */
  addPath(name: string, disk: string): void {
    const file = this.fileOf(disk)
    this.files.set(name, file)
    const device = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim()
    this.devices.set(name, device)
    symlinkSync(device, join(this.directory, 'dev', name))
  }

  fileOf(name: string): string {
    return this.files.get(name)!
  }

  /** The loop device itself, as in /dev/loop7. */
  nodeOf(name: string): string {
    return this.devices.get(name)!
  }

  identityOf(name: string): string {
    return `loop:${this.fileOf(name)}`
  }

  sizeOf(name: string): number {
    return statSync(this.fileOf(name)).size
  }

  /** Remembers a mount made by the test, to take it off at the end whatever happened. */
  willMount(path: string): void {
    this.mounts.push(path)
  }

  close(): void {
    for (const path of this.mounts) takeOff(path)
    for (const device of this.devices.values()) execFileSync('losetup', ['--detach', device])
    if (this.hasRam) takeOff(join(this.directory, 'ram'))
    rmSync(this.directory, { recursive: true, force: true })
  }

  /**
   * No holes can be made in a file of a ramfs, so that a loop device on it cannot discard. To switch it off by the device's own
   * setting is for ever: the kernel keeps a 0 for whoever gets that loop device next, and lets nobody write another value.
   */
  private ramDirectory(): string {
    const path = join(this.directory, 'ram')
    if (this.hasRam) return path
    mkdirSync(path)
    execFileSync('mount', ['-t', 'ramfs', 'ramfs', path])
    this.hasRam = true
    return path
  }
}

const patienceMs = 20_000

/** Off, if it is mounted: a client whose own mount was just taken off still holds for a moment what it served. */
function takeOff(path: string): void {
  const end = performance.now() + patienceMs
  while (readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${path} `)) {
    try {
      execFileSync('umount', [path], { stdio: 'pipe' })
    } catch (error) {
      if (performance.now() > end) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
    }
  }
}
