import { quote } from '../../model/names.js'

/* What is said about pools. Tests compare with these functions, so that a wording is changed here alone. */

export const noPool = (name: string, known: string[]) =>
  `there is no pool ${quote(name)}: the pools are ${known.join(', ')}`
export const noDefaultPool = (known: string[]) =>
  `there is no default pool: write pool=NAME, one of ${known.join(', ')}`
