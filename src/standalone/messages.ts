/* What `npm run standalone` says of its options and its etcd. Tests compare with these functions. */

export const noEtcd = () =>
  'there is no program etcd on this machine: install it (Debian: etcd-server), or pass the URL of a running one with --etcd URL'
export const etcdEnded = (code: number | null, output: string) => `etcd ended with exit code ${code}: ${output}`
export const countExpected = (option: string, found: number) =>
  `--${option} must be a number from 1 to 1000, not ${found}`
export const urlExpected = (found: string) => `--etcd must be a URL like http://head:2379, not ${found}`
export const slowExpected = (found: string) => `--slow must be STEP[@HOST[/DEVICE]]=MS, not ${found}`
export const unknownStep = (option: string, step: string, steps: string[]) =>
  `${option}: there is no step ${step}; the steps are ${steps.join(', ')}`
/** The error of a step that `--fail` names. */
export const simulatedFailure = () => 'a simulated failure'
/** The last line of the greeting: the cluster is up. */
export const howToStop = () => 'Press Ctrl-C to stop.'
