const shownStates: Record<string, string> = {
  forming: 'creating',
  leaving: 'deleting',
  plan: 'planning',
  copy: 'copying',
  finish: 'finishing',
}

/** The state of a document in the word that users see. Documents keep their own words, which other releases read too. */
export function shownState(state: string): string {
  return shownStates[state] ?? state
}
