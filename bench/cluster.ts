import { Lab, type LabOptions } from '../lab/namespaces/cluster.js'
import { users } from '../lab/common/hosts.js'
import { untilPoolIsFree } from '../lab/common/waitForCluster.js'

export const installed = '/opt/burstbuffer/dist/bin'
export const owner = users[0]!

/** Runs a benchmark on a lab of its own, which is removed in any case. */
export async function withLab<T>(
  say: (line: string) => void,
  act: (lab: Lab) => Promise<T>,
  options: Pick<LabOptions, 'hosts'> = {},
): Promise<T> {
  const lab = new Lab({ id: 'bench', say, ...options })
  try {
    await lab.up()
    return await act(lab)
  } finally {
    if (lab.isMine()) await lab.down()
  }
}

/** Makes the call that Slurm makes for `#BB create_persistent`. Returns when the buffer is ready. */
export async function create(lab: Lab, name: string, slots: number): Promise<void> {
  const what = ['-c', 'CLI', '-t', name, '-u', String(owner.uid), '-C', `dedicated_nvme:${slots}TB`, '-a', 'striped']
  await must(lab, 'head', [`${installed}/dw_wlm_cli`, '--function', 'create_persistent', ...what])
}

/** Returns when the devices are wiped and free again. */
export async function destroy(lab: Lab, name: string): Promise<void> {
  await must(lab, 'head', [`${installed}/dw_wlm_cli`, '--function', 'teardown', '--token', name, '--hurry'])
}

/** Agents look at their devices once a minute: they may have seen what a script had on them. */
export async function untilAllFree(lab: Lab): Promise<void> {
  await untilPoolIsFree(lab, (argv) => lab.exec('head', argv), 150_000)
}

export async function must(lab: Lab, host: string, argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await lab.exec(host, argv, { timeoutMs: 1_800_000 })
  if (code !== 0) throw new Error(`${argv.join(' ')} on ${host} exited ${code}: ${stderr || stdout}`)
  return stdout
}
