import type { Lab } from '../../lab/namespaces/cluster.js'
import { until } from '../../lab/common/until.js'
import { must } from './invariants.js'

/*
 * Programs of a host in whose place another one stands, which does the same, but kills the host's agent once when the agent runs
 * it: before it does anything, or when it is done. So an agent dies at each of its steps that runs a program, whenever that is.
 */

const wrapper = `#!/bin/sh
name=\${0##*/}
agent=$(cat /run/lab/agent.pid)
# The agent's programs are started by a process that the agent started.
die() { [ "$(cut -d ' ' -f 4 /proc/$PPID/stat)" = "$agent" ] && rm /run/deadly/armed/$name.$1 2>/dev/null && kill -9 "$agent"; }
die before
/run/deadly/real/$name "$@"
code=$?
die after
exit $code
`

export class DeadlyPrograms {
  constructor(
    private readonly lab: Lab,
    private readonly host: string,
    /** Names, each of one file; `glusterfsd` stands for its other names too. */
    private readonly names: readonly string[],
  ) {}

  async install(): Promise<void> {
    const input = wrapper
    await this.lab.exec(
      this.host,
      ['sh', '-c', 'mkdir -p /run/deadly/real /run/deadly/armed; cat >/run/deadly/wrapper'],
      {
        input,
      },
    )
    const each = [
      'path=$(readlink -f $(command -v $name))',
      'cp $path /run/deadly/real/$name',
      'mount --bind /run/deadly/wrapper $path',
    ]
    const links = 'ln -sf glusterfsd /run/deadly/real/glusterfs'
    await must(
      this.lab,
      this.host,
      `set -e; chmod 755 /run/deadly/wrapper; for name in ${this.sorted()}; do ${each.join('; ')}; done; ${links}`,
    )
  }

  /** The next run of each kills the agent. */
  async arm(when: 'before' | 'after'): Promise<void> {
    await must(
      this.lab,
      this.host,
      `cd /run/deadly/armed && touch ${this.names.map((name) => `${name}.${when}`).join(' ')}`,
    )
  }

  /** Those that the agent has not run since they were armed. */
  async armed(): Promise<string[]> {
    return (await must(this.lab, this.host, 'ls /run/deadly/armed')).split('\n').filter((name) => name !== '')
  }

  async remove(): Promise<void> {
    const real = '/run/deadly/real/umount'
    const umount = `$([ -e ${real} ] && echo ${real} || echo umount)`
    await must(
      this.lab,
      this.host,
      `umount=${umount}; for name in ${this.names.join(' ')}; do $umount $(readlink -f $(command -v $name)); done`,
    )
  }

  /** `mount` is the last: the others are put into their places by it. */
  private sorted(): string {
    return [...this.names].sort((a, b) => Number(a === 'mount') - Number(b === 'mount')).join(' ')
  }
}

/** Starts the agents of these hosts whenever one has died, until the work has ended. How often each was started. */
export async function withAgentsKept(lab: Lab, hosts: readonly string[], work: Promise<unknown>): Promise<void> {
  let hasEnded = false
  const ended = work.finally(() => (hasEnded = true))
  // Whoever waits for it below hears of its failure.
  ended.catch(() => {})
  await until({ what: 'the work has ended', deadlineMs: 600_000 }, async () => {
    for (const host of hosts) {
      // It may die again before it answers.
      if (!(await lab.state(host)).running.includes('agent')) await lab.startService(host, 'agent').catch(() => {})
    }
    return hasEnded
  })
  await ended
}
