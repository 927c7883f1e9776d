/** Priorities of processes that stage files, compared with those that serve buffers: etc/agent.yaml explains them. */
export const stagingPriorities = ['normal', 'low', 'idle'] as const
export type StagingPriority = (typeof stagingPriorities)[number]

type Argv = readonly [string, ...string[]]

/** The same program with a lower CPU and IO priority. If the kernel refuses to set an IO priority, it runs without. */
export function withPriority(priority: StagingPriority, argv: Argv): Argv {
  switch (priority) {
    case 'normal':
      return argv
    case 'low':
      return ['nice', '-n', '10', 'ionice', '-t', '-c', '2', '-n', '7', ...argv]
    case 'idle':
      return ['nice', '-n', '19', 'ionice', '-t', '-c', '3', ...argv]
  }
}
