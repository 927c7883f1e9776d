/*
 * What operators read about this host and about documents that its agent does not act upon. Tests compare with these
 * functions, so that a wording is changed here alone.
 */

// Problems of this host
export const keyDenied = (key: string) =>
  `permission denied: etcd does not let this agent read the key "${key}"; run etcd-users.sh of this release for this host`
export const levelsDiffer = (theirs: string | undefined, ours: string) =>
  `the leading scheduler knows documents of levels ${theirs}, this agent of ${ours}: upgrade the older one`
export const configurationRefused = (why: string) => `configuration refused: ${why}`

// An agent that does not start
export const anotherAgent = (host: string, holders: readonly { pid: number; isStuck: boolean }[]) => {
  const stuck = holders.find(({ isStuck }) => isStuck)
  if (stuck)
    return `process ${stuck.pid} is an agent of ${host} that is stuck in the kernel (state D, as when a disk does not answer): no signal ends it; mend or detach the disk, or reboot the host`
  if (holders.length === 0)
    return `another agent of ${host} is running, in a container that cannot be seen from here: stop it first`
  const pids = holders.map(({ pid }) => pid).join(', ')
  return `another agent of ${host} is running as process ${pids}: stop it first (systemctl status bb-agent shows the one of the unit)`
}
export const cannotLock = (why: string) => `whether another agent is running cannot be seen: ${why}`

// Desired documents that are refused
export const wrongKind = (kind: string, kindOfKey: string) => `it is a ${kind} under the key of a ${kindOfKey}`
export const wrongId = (named: string, id: string) => `it names ${named}, but its key is that of ${id}`
export const fromFormerLeader = (fence: number, leaderFence: number) =>
  `its fence ${fence} is older than ${leaderFence}: a former leader wrote it`

// Settings
export const pathOverlaps = (root: string) => `expected a path that is not below ${root} and does not contain it`
export const storageExpected = (setting: string) => `expected storage among them, because ${setting} is set`

export const belowStagePathsExpected = () => 'expected a path below one of stagePaths'
export const noMoreThanOfHost = (slots: number) => `expected no more slots than the host has, ${slots}`
