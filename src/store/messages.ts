import { quote } from '../model/names.js'

/* What is said when etcd refuses, does not answer or belongs to others. Tests compare with these functions. */

export const outOfSpace = () => 'etcd is out of space: compact, defragment and disarm its alarm'
export const permissionDenied = (why: string) => `permission denied by etcd: ${why}`
export const refusedByEtcd = (why: string) => `etcd refused the request: ${why}`
export const noAnswer = (why: string) => `etcd did not answer: ${why}`

/** `program`: whose configuration names our cluster. */
export const otherCluster = (recorded: string, ours: string, program: 'scheduler' | 'agent') =>
  `etcd belongs to cluster ${quote(recorded)}, but ${program}.yaml says cluster: ${ours}. ` +
  'Each cluster needs an etcd of its own (etcd.endpoints). ' +
  'If the cluster was renamed, stop its schedulers and delete the key /burstbuffer/cluster'
