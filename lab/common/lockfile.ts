import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startTimeOf } from './init.js'

/** Which process a cluster belongs to, as a file in its folder: a living one's is refused to others, a dead one's may be removed. */
export class Lockfile {
  private readonly file: string

  constructor(private readonly dir: string) {
    this.file = join(dir, 'owner')
  }

  claim(): void {
    writeFileSync(this.file, `${process.pid} ${startTimeOf(process.pid)}\n`)
  }

  /** The cluster stays when this process ends. */
  keep(): void {
    writeFileSync(this.file, 'kept\n')
  }

  /** This process made it, and may take it down. */
  isMe(): boolean {
    return existsSync(this.file) && readFileSync(this.file, 'utf8').startsWith(`${process.pid} `)
  }

  refuseIfInUse(down: string): void {
    if (!existsSync(this.file)) return
    const [pid, startTime] = readFileSync(this.file, 'utf8').trim().split(' ')
    if (pid === 'kept') throw new Error(`a lab is up in ${this.dir}: ${down}`)
    if (startTimeOf(Number(pid)) === startTime) throw new Error(`process ${pid} is using the lab in ${this.dir}`)
  }
}
