/* What the lab says to the person who runs it. */

// Hosts and programs
export const noHost = (host: string, known: string[]) =>
  `the lab has no host ${host}; its hosts are ${known.join(', ')}`
export const hostIsOff = (host: string) => `host ${host} of the lab is off`
export const hostIsOn = (host: string) => `host ${host} of the lab is already on`
export const hostDoesNotStart = (host: string, output: string) => `host ${host} of the lab does not start: ${output}`
export const programEnded = (program: string, host: string, output: string) =>
  `${program} on ${host} ended right after its start: ${output}`
export const commandFailed = (command: string, host: string, code: number, output: string) =>
  `${command} on ${host} failed with exit code ${code}: ${output}`

// The lab
export const needsRoot = () => 'the lab needs root, because it makes namespaces, loop devices and mounts'
export const labIsUp = () => 'the lab is up'
export const labIsDown = () => 'the lab is down'
export const labNotUp = () => 'the lab is not up: run npm run lab -- up'
export const labAlreadyUp = (dir: string, down: string) => `a lab is already up in ${dir}: to remove it, run ${down}`
export const labInUse = (dir: string, pid: string) => `process ${pid} uses the lab in ${dir}`
export const invalidId = (id: string) =>
  `the id of a lab must consist of lower-case letters, digits and hyphens, not ${id}`
export const starting = (names: readonly string[]) => `starting ${names.join(', ')}`
export const expectedWithin = (deadlineMs: number, what: string, seen: string | undefined) =>
  `expected within ${deadlineMs / 1000} s: ${what}${seen ? `\nseen: ${seen}` : ''}`
