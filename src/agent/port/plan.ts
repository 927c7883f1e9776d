import type { Observed } from '../../model/documents/observed.js'
import type { Step } from './steps.js'

/**
 * What an agent reports of a desired document, without the parts that the reconciler adds (version, problem,
 * waitingFor).
 */
export type Report<K extends keyof Observed> = Omit<Observed[K], 'v' | 'problem' | 'waitingFor'>

/**
 * One round: the steps to take now, in order, and the state before them. No steps and nothing to wait for: the host is
 * as desired. `refused`: nothing is tried until the desired document or the host changes.
 */
export interface Plan<K extends keyof Observed> {
  steps: Step[]
  waitingFor: string[]
  refused?: string
  report: Report<K>
}
