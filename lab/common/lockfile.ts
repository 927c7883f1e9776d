import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startTimeOf } from './init.js'
import * as messages from './messages.js'

/** A file in the folder of a cluster that names its process. While the process runs, no other may use the cluster. */
export class Lockfile {
  private readonly file: string

  constructor(private readonly dir: string) {
    this.file = join(dir, 'owner')
  }

  claim(): void {
    writeFileSync(this.file, `${process.pid} ${startTimeOf(process.pid)}\n`)
  }

  /** The cluster stays up when this process ends. */
  keep(): void {
    writeFileSync(this.file, 'kept\n')
  }

  /** Whether this process made the cluster, and may remove it. */
  isMe(): boolean {
    return existsSync(this.file) && readFileSync(this.file, 'utf8').startsWith(`${process.pid} `)
  }

  refuseIfInUse(down: string): void {
    if (!existsSync(this.file)) return
    const [pid, startTime] = readFileSync(this.file, 'utf8').trim().split(' ')
    if (pid === 'kept') throw new Error(messages.labAlreadyUp(this.dir, down))
    if (startTimeOf(Number(pid)) === startTime) throw new Error(messages.labInUse(this.dir, pid!))
  }
}
