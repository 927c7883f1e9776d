/** A guard of an invariant, and the source without it. */
export interface Mutation {
  invariant: number
  guard: string
  file: string
  from: string
  to: string
  /** Guards that stand behind it and would do alone; they are taken out with it. */
  with?: { file: string; from: string; to: string }[]
}

export const mutations: Mutation[] = [
  {
    invariant: 1,
    guard: 'a device of a buffer is not placed again',
    file: 'src/scheduler/cluster/devices.ts',
    from: "if (taken.has(place)) return 'taken'",
    to: '',
  },
  {
    invariant: 1,
    guard: 'released bricks stay taken until they were seen wiped',
    file: 'src/scheduler/cluster/devices.ts',
    from: 'for (const { host, device } of released) taken.add(at(host, device))',
    to: 'void released',
    with: [
      {
        file: 'src/scheduler/cluster/devices.ts',
        from: 'new Set<string>(cluster.desired.brick.keys())',
        to: 'new Set<string>()',
      },
    ],
  },
  {
    invariant: 1,
    guard: 'a transaction compares the documents that it was decided on',
    file: 'src/scheduler/commit/transaction.ts',
    from: 'compares.push({ key, modRevision: memory.revisionOf(key) })',
    to: '',
  },
  {
    invariant: 1,
    guard: 'a transaction compares the leader, and the documents it was decided on',
    file: 'src/scheduler/commit/transaction.ts',
    from: 'const compares: Compare[] = [fenceCompare(fence)]',
    to: 'const compares: Compare[] = []',
    with: [
      {
        file: 'src/scheduler/commit/transaction.ts',
        from: 'compares.push({ key, modRevision: memory.revisionOf(key) })',
        to: '',
      },
    ],
  },
  {
    invariant: 1,
    guard: 'a brick is gone only when its agent has seen it absent',
    file: 'src/scheduler/desired/bufferTransitions.ts',
    from: "if (observedBrickOf(cluster, brick)?.state === 'absent') return true",
    to: 'if (!cluster.hosts.has(brick.host)) return true',
  },
  {
    invariant: 1,
    guard: 'a report counts only for the brick whose uuid it names',
    file: 'src/model/buffers.ts',
    from: 'return observed?.uuid === brick.uuid ? observed : undefined',
    to: 'return observed',
  },
  {
    invariant: 2,
    guard: 'a device that is not blank is not formatted: the planner',
    file: 'src/agent/plan/brick.ts',
    from: "if (content.kind !== 'blank') return refuse(",
    to: "if (content.kind === 'unreadable') return refuse(",
  },
  {
    invariant: 2,
    guard: 'a device that is not blank is not formatted: the moment of use',
    file: 'src/agent/plan/device.ts',
    from: "return over === 'blank' ? content.kind === 'blank' : content.kind === 'xfs' && content.uuid === uuid",
    to: 'return content.kind !== over && uuid.length > 0 || true',
  },
  {
    invariant: 2,
    guard: 'the device has the recorded identity',
    file: 'src/agent/plan/device.ts',
    from: 'if (device.identity !== wanted.identity) {',
    to: 'if (device.identity === undefined) {',
  },
  {
    invariant: 3,
    guard: 'a brick that is stamped is not formatted again',
    file: 'src/agent/plan/brick.ts',
    from: 'if (stamp === undefined) {',
    to: 'if (stamp !== undefined || mounted) {',
  },
  {
    invariant: 3,
    guard: 'a brick of a buffer that was built is not formatted again',
    file: 'src/agent/plan/brick.ts',
    from: "if (brick.built) return refuse(report(brick, 'forming'), whyNotAgain(content, brick.device))",
    to: '',
    with: [{ file: 'src/agent/plan/device.ts', from: 'if (built) return', to: 'if (built && device === uuid) return' }],
  },
  {
    invariant: 3,
    guard: 'only what carries the uuid is wiped: the planner',
    file: 'src/agent/plan/brick.ts',
    from: "if (!ours) return { steps: [], waitingFor: [], report: report(brick, 'absent') }",
    to: "if (!ours && content.kind === 'blank') return { steps: [], waitingFor: [], report: report(brick, 'absent') }",
  },
  {
    invariant: 3,
    guard: 'bricks that were told to go are not wanted again',
    file: 'src/scheduler/desired/buffer.ts',
    from: "mayLeave || wasTold ? 'absent' : 'present'",
    to: "mayLeave || (wasTold && false) ? 'absent' : 'present'",
  },
  {
    invariant: 3,
    guard: 'a released brick is not a brick of the buffer',
    file: 'src/scheduler/desired/buffer.ts',
    from: "const bricksLeave = buffer.wanted === 'absent' && formerStopped",
    to: 'const bricksLeave = formerStopped',
  },
  {
    invariant: 4,
    guard: 'the desired document is read again before a destructive step',
    file: 'src/agent/reconcile.ts',
    from: 'const asksAgain = step === steps[0] || isDestructive[step.kind]',
    to: 'const asksAgain = step === undefined || (isDestructive[step.kind] && false)',
  },
  {
    invariant: 4,
    guard: 'it must be the very document that was planned with',
    file: 'src/agent/reconcile.ts',
    from: 'return now?.modRevision === entry.modRevision',
    to: 'return now !== undefined',
  },
  {
    invariant: 5,
    guard: 'bricks stay until their volume was seen stopped',
    file: 'src/scheduler/desired/buffer.ts',
    from: '&& formerStopped && isVolumeStopped(cluster, buffer)',
    to: '&& formerStopped',
  },
  {
    invariant: 5,
    guard: 'a volume stays while a job may use it',
    file: 'src/scheduler/desired/buffer.ts',
    from: 'const held = jobsHolding(cluster, buffer).length > 0 || hostsToUnmount(cluster, buffer).length > 0',
    to: 'const held = hostsToUnmount(cluster, buffer).length > 0 && jobsHolding(cluster, buffer).length < 0',
  },
  {
    invariant: 5,
    guard: 'a volume stays until every host that lives has unmounted it',
    file: 'src/scheduler/desired/buffer.ts',
    from: '|| hostsToUnmount(cluster, buffer).length > 0',
    to: '|| hostsToUnmount(cluster, buffer).length < 0',
  },
  {
    invariant: 8,
    guard: 'the ends of a device that is to be overwritten are zeroed last',
    file: 'src/agent/host/disk/longWipes.ts',
    from: 'this.running.add(run)\n    return false',
    to: 'this.running.add(run)\n    return true',
  },
  {
    invariant: 8,
    guard: 'a buffer is wiped as its pool promised when it was made',
    file: 'src/scheduler/desired/buffer.ts',
    from: '...(buffer.wipe === undefined ? {} : { wipe: buffer.wipe }),',
    to: '',
  },
  {
    invariant: 9,
    guard: 'a node mounts its namespace when all of them are filled',
    file: 'src/scheduler/desired/session.ts',
    from: " && (view !== 'private' || isFilled(session))",
    to: '',
  },
  {
    invariant: 5,
    guard: 'a volume stays until every host that lives copies from it no more',
    file: 'src/model/buffers.ts',
    from: '...hostsCopying(cluster, session, buffer),',
    to: '',
  },
  {
    invariant: 5,
    guard: 'a mount is not removed while swap on it is on: the agent',
    file: 'src/agent/plan/mount.ts',
    from: "if (held.length > 0) return { steps: [], waitingFor: held, report: { state: 'leaving' } }",
    to: '',
  },
  {
    invariant: 5,
    guard: 'a mount is not removed while swap on it is on: the scheduler, with the agent behind it',
    file: 'src/scheduler/desired/session.ts',
    from: "holdsSwap(cluster, host, mount) ? 'present' : wanted",
    to: 'holdsSwap(cluster, host, mount) ? wanted : wanted',
    with: [
      {
        file: 'src/agent/plan/mount.ts',
        from: "if (held.length > 0) return { steps: [], waitingFor: held, report: { state: 'leaving' } }",
        to: '',
      },
    ],
  },
  {
    invariant: 8,
    guard: 'a job waits for the swap that it asked for',
    file: 'src/scheduler/progress.ts',
    from: "if (swap?.state === 'waiting') waitingFor.push(...swap.waitingFor)",
    to: '',
  },
  {
    invariant: 9,
    guard: 'a job is not torn down before it is staged out',
    file: 'src/scheduler/admission/teardown.ts',
    from: 'if (unsavedLine) return { refused: whyKept(token, unsavedLine) }',
    to: '',
  },
  {
    invariant: 10,
    guard: 'a host that was cut off stays so when its agent is started again',
    file: 'src/model/buffers.ts',
    from: '(host) => cluster.hosts.has(host) && !isCutOff(session, buffer, host),',
    to: '(host) => cluster.hosts.has(host) && !mountViews.some((view) => cluster.observed.mount.get(at(host, mountId(session.id, buffer.id, view)))?.problem?.terminal),',
  },
  {
    invariant: 5,
    guard: 'a mount that another job on the node wants stays',
    file: 'src/agent/sharedMounts.ts',
    from: "other.wanted === 'present' &&",
    to: "other.wanted !== 'present' &&",
  },
  {
    invariant: 9,
    guard: 'a stage line is finished when every host has copied its share',
    file: 'src/scheduler/desired/transfers.ts',
    from: 'serversOf(buffer).every((host) => {',
    to: 'serversOf(buffer).some((host) => {',
  },
  {
    invariant: 9,
    guard: 'a report counts only for the attempt that it names',
    file: 'src/model/transfers.ts',
    from: 'return observed?.attempt === attempt ? observed : undefined',
    to: 'return observed',
  },
  {
    invariant: 9,
    guard: 'a job begins when its stage-ins are done',
    file: 'src/scheduler/admission/jobStages.ts',
    from: 'if (missed) return `',
    to: 'if (missed && false) return `',
  },
]

/** The source without the guard. Throws where the guard does not stand exactly once: it has been changed since. */
export function withoutGuard(source: string, { file, from, to }: Pick<Mutation, 'file' | 'from' | 'to'>): string {
  const found = source.split(from).length - 1
  if (found !== 1) throw new Error(`${file} holds the guard ${found} times, not once: ${from}`)
  return source.replace(from, () => to)
}
