import { quote } from '../../model/names.js'

/* What the shim is answered before a function of Slurm's sees the arguments. Tests compare with these functions. */

export const tooManyArguments = (max: number) => `there are more than ${max} arguments`
export const argumentTooLong = (word: string, maxBytes: number) =>
  `the argument ${quote(word)} is longer than ${maxBytes} bytes`
