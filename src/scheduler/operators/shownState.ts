import type { ShownStage } from '../../model/api.js'
import type { SessionStage } from '../../model/documents/session.js'

const shownStates: Record<string, string> = {
  forming: 'creating',
  leaving: 'deleting',
  plan: 'scanning',
  copy: 'copying',
  finish: 'finishing',
}

/** The state of a document in the word that users see. Documents keep their own words, which other releases read too. */
export function shownState(state: string): string {
  return shownStates[state] ?? state
}

const shownStages: Record<SessionStage, ShownStage> = {
  setup: 'allocated',
  'staging-in': 'staging-in',
  'staged-in': 'staged-in',
  running: 'running',
  ran: 'post-run',
  'staging-out': 'staging-out',
  'staged-out': 'staged-out',
  leaving: 'teardown',
}

/** The stage of a session in the word that Slurm shows, as far as Slurm has one. */
export function shownStage(stage: SessionStage): ShownStage {
  return shownStages[stage]
}
