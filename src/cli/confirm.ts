import { createInterface } from 'node:readline/promises'
import { CallError } from './client.js'
import * as messages from './messages.js'
import { printable } from './output.js'

/** Asks on the terminal. Throws if there is none, or if the answer is not the name. `flag`: the option that does not ask. */
export async function confirm(what: string, question: string, name: string, flag: string): Promise<void> {
  if (!process.stdin.isTTY) throw new CallError(messages.noTerminal(what, flag))
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(messages.confirmByName(printable(what), question, printable(name)))
  terminal.close()
  if (answer.trim() !== name) throw new CallError(messages.notConfirmed())
}
