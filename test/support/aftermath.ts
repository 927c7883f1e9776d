import { users } from '../../lab/common/hosts.js'
import type { Cluster } from '../../lab/common/interface.js'

const bbctl = (...words: string[]) => ['node', '/opt/burstbuffer/dist/cli/bbctl.js', ...words]
const jobs = 'for job in $(squeue --noheader --format=%A); do scontrol show job --oneliner $job; done'
/** The latest that daemons complained of. */
const complaints = `tail -qn 400 /var/log/agent.out /var/log/scheduler.out 2>/dev/null | grep -E '"level":"(warn|error)"' | tail -n 15 | cut -c1-400`

/**
 * How a cluster stands after a test has failed, on the terminal: where tests run by themselves, its logs are not at hand. Then its jobs
 * are cancelled, so that one failure is one, and not that of every test after it.
 */
export async function showAftermath(cluster: Cluster): Promise<void> {
  const looks: (readonly [string, readonly string[]])[] = [
    ['head', ['sinfo', '--Node', '--long']],
    ['head', ['sh', '-c', jobs]],
    ['head', bbctl('status')],
    ['head', bbctl('hosts')],
    ['head', bbctl('buffers')],
    ...cluster.hosts.map(({ name }) => [name, ['sh', '-c', complaints]] as const),
  ]
  for (const [host, argv] of looks) {
    const said = await cluster.exec(host, argv).then(
      ({ stdout, stderr }) => `${stdout}${stderr}`.trim(),
      (error: unknown) => String(error),
    )
    if (said !== '') console.log(`      ${host}: ${argv.at(-1) === complaints ? 'its complaints' : argv.join(' ')}`)
    if (said !== '') console.log(said.replaceAll(/^/gm, '      | '))
  }
  for (const { name } of users) await cluster.exec('head', ['scancel', `--user=${name}`])
}
