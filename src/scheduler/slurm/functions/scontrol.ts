import { execFile } from 'node:child_process'
import { isAbsolute } from 'node:path'
import type { SlurmQueries } from './splitTask.js'

/** Asks slurmctld by its own command. Only for calls during which slurmctld holds no lock, such as setup. */
export class Scontrol implements SlurmQueries {
  private stateSave: string | undefined

  showJob(id: string): Promise<string> {
    return scontrol('show', 'job', '--oneliner', id)
  }

  /** Asked once: it does not change while slurmctld runs. */
  async stateSaveLocation(): Promise<string> {
    if (this.stateSave !== undefined) return this.stateSave
    const found = /^StateSaveLocation\s*=\s*(\S+)$/m.exec(await scontrol('show', 'config'))?.[1]
    if (found === undefined || !isAbsolute(found))
      throw new Error('scontrol show config does not show StateSaveLocation')
    return (this.stateSave = found)
  }
}

const timeoutMs = 20_000

function scontrol(...words: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('scontrol', words, { timeout: timeoutMs, maxBuffer: 1024 * 1024 }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout)
      const [why] = (stderr || error.message).trim().split('\n')
      reject(new Error(`scontrol ${words.join(' ')}: ${why}`))
    })
  })
}
