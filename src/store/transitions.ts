/** Which state may follow which. */
export type Transitions<Name extends string> = Readonly<Record<Name, readonly Name[]>>

/** Throws when the table does not have this step: that is a bug, and the program must not continue in a wrong state. */
export function checkTransition<Name extends string>(
  what: string,
  transitions: Transitions<Name>,
  from: Name,
  to: Name,
): void {
  if (!transitions[from].includes(to)) throw new Error(`${what} cannot go from ${from} to ${to}`)
}
