import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import { commandAs } from '../common/commandAs.js'
import { layOutHomes, layOutParts } from '../common/files.js'
import { certificate, composeSite, deviceBytes, hostNamed, type HostSpec } from '../common/hosts.js'
import { Programs, type Exec } from '../common/programs.js'
import { untilPoolIsFree } from '../common/waitForCluster.js'
import { run } from '../common/run.js'
import { bootedLine } from './booted.js'
import { noDisks } from './messages.js'

/* A container runs this when it starts: it prepares the host of its name, its disks and its programs, and ends when all answer. */

/** All hosts start at once, possibly on a small machine. */
const deadlineMs = 240_000
const host = hostNamed(hostname(), composeSite)
const exec: Exec = (argv, { input, timeoutMs, ...who } = {}) =>
  run(commandAs(composeSite, argv, who), {
    ...(input === undefined ? {} : { input }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  })
const isFirstTime = !existsSync('/etc/burstbuffer')

for (const folder of ['/run/lab', '/run/lock']) mkdirSync(folder, { recursive: true })
layOutHomes('/home')
layOutParts('/', host, composeSite)
mkdirSync('/etc/burstbuffer', { recursive: true })
// lab/containers/certificates.ts made it for this host, in a volume.
for (const path of Object.values(certificate))
  if (!existsSync(path)) symlinkSync(join('/certificate', basename(path)), path)
await insertDisks(host)
const programs = new Programs(host, composeSite, exec)
for (const service of host.services) {
  if (service === 'slurmctld' && isFirstTime) await untilPoolIsFree(composeSite, exec, deadlineMs)
  await programs.start(service, deadlineMs)
  console.log(`${service} on ${host.name} answers`)
}
console.log(bootedLine(host.name))

/** The program that keeps the disks runs as long as the container does. */
async function insertDisks({ name, devices }: HostSpec): Promise<void> {
  if (devices.length === 0) return
  const folder = `/disks/${name}`
  mkdirSync(folder, { recursive: true })
  const argv = [folder, ...devices.map((device) => `${device}:${deviceBytes}`)]
  const child = spawn('/opt/burstbuffer/docker/disks', argv, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  const isReady = await new Promise<boolean>((resolve, reject) => {
    child.once('error', reject)
    child.stdout.once('data', () => resolve(true))
    child.once('exit', () => resolve(false))
  })
  if (!isReady) throw new Error(noDisks(name))
  child.stdout.destroy()
  child.unref()
}
