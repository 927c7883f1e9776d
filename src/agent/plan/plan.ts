import type { Observed } from '../../model/documents/observed.js'
import type { Step } from '../steps.js'

/** What an agent says about a desired thing, less the parts that the reconciler adds (version, problem, waitingFor). */
export type Report<K extends keyof Observed> = Omit<Observed[K], 'v' | 'problem' | 'waitingFor'>

/**
 * One round: the steps to take now, in order, and how things stand before them. No steps and nothing to wait for: it is as
 * desired. `refused`: nothing will be tried until the desired document or the host changes.
 */
export interface Plan<K extends keyof Observed> {
  steps: Step[]
  waitingFor: string[]
  refused?: string
  report: Report<K>
}
