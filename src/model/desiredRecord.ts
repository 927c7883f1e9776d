import type { Desired, DesiredKind } from './documents/desired.js'

/** Of each form of a document. */
export type WithoutFence<D> = D extends object ? Omit<D, 'fence'> : never

/** A desired document and whose it is; the fence is added when it is written. */
export type DesiredRecord = {
  [K in DesiredKind]: { host: string; kind: K; id: string; document: WithoutFence<Desired[K]> }
}[DesiredKind]

/** A record as a sentence, for logs and tests: `gluster1: brick nvme1n1 ready`. */
export function describeRecord({ host, kind, id, document }: DesiredRecord): string {
  const part = 'part' in document ? ` ${document.part}` : ''
  const wanted = 'wanted' in document ? ` ${document.wanted}` : ''
  return `${host}: ${kind} ${id}${part}${wanted}`
}
