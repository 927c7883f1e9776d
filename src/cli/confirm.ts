import { createInterface } from 'node:readline/promises'
import { CallError } from './client.js'
import { printable } from './output.js'

/** Asks on the terminal; throws when there is none, or when the answer is not the name. `flag` is what goes without asking. */
export async function confirm(what: string, question: string, name: string, flag: string): Promise<void> {
  if (!process.stdin.isTTY) throw new CallError(`${what}: pass ${flag}`)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(`${printable(what)}. ${question} Type ${printable(name)} to go on: `)
  terminal.close()
  if (answer.trim() !== name) throw new CallError('nothing was done')
}
