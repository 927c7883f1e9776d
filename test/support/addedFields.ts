import { addedFields } from '../../src/model/levels.js'

/** Does it with another table of added fields. */
export function withAddedFields<T>(table: typeof addedFields, act: () => T): T {
  const restore = setAddedFields(table)
  try {
    return act()
  } finally {
    restore()
  }
}

/** The same where the end is not the end of a function: returns what puts the table of the release back. */
export function setAddedFields(table: typeof addedFields): () => void {
  const before = { ...addedFields }
  const replace = (next: typeof addedFields) => {
    for (const kind of Object.keys(addedFields)) Reflect.deleteProperty(addedFields, kind)
    Object.assign(addedFields, next)
  }
  replace(table)
  return () => replace(before)
}
