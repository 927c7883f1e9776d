import type { Edit } from './markers.js'

export interface GuardEdit {
  /** The name in the comment that marks the guard. */
  marker: string
  edit: Edit
}

/** A guard of an invariant, and what the source is without it. */
export interface Mutation extends GuardEdit {
  invariant: number
  guard: string
  /** Guards that stand behind it and would do alone; they are taken out with it. */
  with?: GuardEdit[]
}

export const mutations: Mutation[] = [
  {
    invariant: 1,
    guard: 'a device of a buffer is not placed again',
    marker: 'device-taken',
    edit: 'drop',
  },
  {
    invariant: 1,
    guard: 'released bricks stay taken until they were seen wiped',
    marker: 'released-taken',
    edit: 'drop',
    with: [{ marker: 'desired-taken', edit: { value: 'false' } }],
  },
  {
    invariant: 1,
    guard: 'a transaction compares the documents that it was decided on',
    marker: 'compare-documents',
    edit: 'drop',
  },
  {
    invariant: 1,
    guard: 'a transaction compares the leader, and the documents it was decided on',
    marker: 'compare-leader',
    edit: { value: '[]' },
    with: [{ marker: 'compare-documents', edit: 'drop' }],
  },
  {
    invariant: 1,
    guard: 'a brick is gone only when its agent has seen it absent',
    marker: 'brick-seen-absent',
    edit: { condition: '!cluster.hosts.has(brick.host)' },
  },
  {
    invariant: 1,
    guard: 'a report counts only for the brick whose uuid it names',
    marker: 'report-of-brick',
    edit: { condition: 'true' },
  },
  {
    invariant: 2,
    guard: 'a device that is not blank is not formatted: the planner',
    marker: 'device-blank',
    edit: { condition: "content.kind === 'unreadable'" },
  },
  {
    invariant: 2,
    guard: 'a device that is not blank is not formatted: the moment of use',
    marker: 'may-format',
    edit: { value: 'true' },
  },
  {
    invariant: 2,
    guard: 'the device has the recorded identity',
    marker: 'device-identity',
    edit: 'drop',
  },
  {
    invariant: 3,
    guard: 'a brick that is stamped is not formatted again',
    marker: 'stamped',
    edit: { condition: 'true' },
  },
  {
    invariant: 3,
    guard: 'a brick of a buffer that was built is not formatted again',
    marker: 'built-planned',
    edit: 'drop',
    with: [{ marker: 'built-executed', edit: 'drop' }],
  },
  {
    invariant: 3,
    guard: 'only what carries the uuid is wiped: the planner',
    marker: 'only-own-wiped',
    edit: { condition: "$ && content.kind === 'blank'" },
  },
  {
    invariant: 3,
    guard: 'bricks that were told to go are not wanted again',
    marker: 'brick-told-absent',
    edit: { value: 'false' },
  },
  {
    invariant: 3,
    guard: 'a released brick is not a brick of the buffer',
    marker: 'buffer-absent',
    edit: 'drop',
  },
  {
    invariant: 4,
    guard: 'the desired document is read again before a destructive step',
    marker: 'read-again',
    edit: { value: 'false' },
  },
  {
    invariant: 4,
    guard: 'it must be the very document that was planned with',
    marker: 'same-document',
    edit: { value: '!!now' },
  },
  {
    invariant: 5,
    guard: 'bricks stay until their volume was seen stopped',
    marker: 'volume-stopped',
    edit: 'drop',
  },
  {
    invariant: 5,
    guard: 'a volume stays while a job may use it',
    marker: 'volume-held',
    edit: { value: 'false' },
  },
  {
    invariant: 5,
    guard: 'a volume stays until every host that lives has unmounted it',
    marker: 'volume-mounted',
    edit: 'drop',
  },
  {
    invariant: 8,
    guard: 'the ends of a device that is to be overwritten are zeroed last',
    marker: 'wipe-awaited',
    edit: { value: 'true' },
  },
  {
    invariant: 8,
    guard: 'a buffer is wiped as its pool promised when it was made',
    marker: 'wipe-kept',
    edit: 'drop',
  },
  {
    invariant: 9,
    guard: 'a node mounts its namespace when all of them have their copy',
    marker: 'namespaces-filled',
    edit: 'drop',
  },
  {
    invariant: 5,
    guard: 'a volume stays until every host that lives copies from it no more',
    marker: 'copies-ended',
    edit: 'drop',
  },
  {
    invariant: 5,
    guard: 'a brick process that is slow is not ended under a job',
    marker: 'hung-only',
    edit: { replace: [' && hangs', ''] },
  },
  {
    invariant: 5,
    guard: 'a mount is not removed while swap on it is on: the agent',
    marker: 'swap-off-planned',
    edit: 'drop',
  },
  {
    invariant: 5,
    guard: 'a mount is not removed while swap on it is on: the scheduler, with the agent behind it',
    marker: 'swap-off-first',
    edit: { condition: 'false' },
    with: [{ marker: 'swap-off-planned', edit: 'drop' }],
  },
  {
    invariant: 8,
    guard: 'a job waits for the swap that it asked for',
    marker: 'swap-awaited',
    edit: 'drop',
  },
  {
    invariant: 9,
    guard: 'a job is not torn down before it is staged out',
    marker: 'staged-out',
    edit: 'drop',
  },
  {
    invariant: 10,
    guard: 'a host that was cut off stays so when its agent is started again',
    marker: 'cut-off-stays',
    edit: {
      value:
        '!mountViews.some((view) => cluster.observed.mount.get(at(host, mountId(session.id, buffer.id, view)))?.problem?.terminal)',
    },
  },
  {
    invariant: 5,
    guard: 'a mount that another job on the node wants stays',
    marker: 'mount-shared',
    edit: { value: '!$' },
  },
  {
    invariant: 9,
    guard: 'a transfer is finished when every host has copied its share',
    marker: 'every-share-copied',
    edit: { replace: ['.every(', '.some('] },
  },
  {
    invariant: 9,
    guard: 'a report counts only for the attempt that it names',
    marker: 'report-of-attempt',
    edit: { condition: 'true' },
  },
  {
    invariant: 9,
    guard: 'a job begins when its stage-ins are done',
    marker: 'staged-in',
    edit: 'drop',
  },
  {
    invariant: 3,
    guard: 'direct: a process is started when the file system of its brick is mounted',
    marker: 'brick-mounted',
    edit: { replace: ['brick.isReady && ', ''] },
  },
  {
    invariant: 5,
    guard: 'direct: bricks stay until the processes of their host were seen to have ended',
    marker: 'served-no-more',
    edit: 'drop',
  },
  {
    invariant: 5,
    guard: 'direct: nobody is told to mount before the bricks let everyone in',
    marker: 'let-in-first',
    edit: 'drop',
  },
  {
    invariant: 5,
    guard: 'direct: the same, of a host that is away too',
    marker: 'every-host-lets-in',
    edit: { replace: ['hostsOf(buffer).every', 'hostsOf(buffer).filter((host) => cluster.hosts.has(host)).every'] },
  },
  {
    invariant: 5,
    guard: 'direct: a host is let in until it has unmounted',
    marker: 'out-when-unmounted',
    edit: { replace: ['hostsUnmounting(cluster, session, buffer)', '[]'] },
  },
  {
    invariant: 5,
    guard: 'direct: a buffer keeps its secret while a job uses it',
    marker: 'secret-used',
    edit: { value: '!buffer.secretGiven && $' },
    with: [{ marker: 'secret-mounted', edit: 'drop' }],
  },
  {
    invariant: 5,
    guard: 'direct: a process is started again for what it was started with alone, and not for owners and modes',
    marker: 'started-with',
    edit: { replace: ['byName.map(startedOfExport)', 'byName'] },
  },
  {
    invariant: 8,
    guard: 'direct: a brick whose port another program has moves to another port',
    marker: 'port-moved',
    edit: { value: 'false' },
  },
  {
    invariant: 8,
    guard: 'direct: the directories of the exports are made before a process is started',
    marker: 'exports-made',
    edit: 'drop',
  },
  {
    invariant: 10,
    guard: 'direct: no two bricks of a host have one port',
    marker: 'port-taken',
    edit: 'drop',
  },
  {
    invariant: 10,
    guard: 'direct: it is said who may connect before a process is started',
    marker: 'fenced-first',
    edit: 'drop',
  },
  {
    invariant: 10,
    guard: 'direct: ports are closed when nothing listens any more',
    marker: 'ended-first',
    edit: { value: '[...close, ...stops]' },
  },
  {
    invariant: 10,
    guard: 'direct: a process that was started with other logins is ended',
    marker: 'outdated-ended',
    edit: { value: '[]' },
  },
  {
    invariant: 10,
    guard: 'direct: each export has a login of its own',
    marker: 'login-of-export',
    edit: { replace: [' ${name}', ''] },
  },
  {
    invariant: 10,
    guard: 'direct: a buffer gets another secret when nobody uses it any more',
    marker: 'secret-renewed',
    edit: { replace: ['newSecret(newUuid)', 'buffer.secret'] },
  },
]

export function editsOf(mutation: Mutation): GuardEdit[] {
  return [mutation, ...(mutation.with ?? [])]
}
