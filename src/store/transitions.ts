/** Which state may follow which. */
export type Transitions<Name extends string> = Readonly<Record<Name, readonly Name[]>>

/** Throws for a step that the table does not have: a mistake of the program, which must not go on in a state that is not meant. */
export function checkTransition<Name extends string>(
  what: string,
  transitions: Transitions<Name>,
  from: Name,
  to: Name,
): void {
  if (!transitions[from].includes(to)) throw new Error(`${what} cannot go from ${from} to ${to}`)
}
