import type { Argv, CommandModule } from 'yargs'
import { type Client, openClient } from '../client.js'

export interface Globals {
  socket: string
  json: boolean
}

export type Command<T = object> = CommandModule<Globals, Globals & T>

/** A client of the socket that the options name. */
export function clientOf({ socket }: Globals): Client {
  return openClient(socket)
}

/** `HOST` or `HOST/DEVICE`. */
export function placeOf(text: string): { host: string; device: string | undefined } {
  const [host, device] = text.split('/', 2)
  return { host: host!, device }
}

/** Who runs the command, for the record; with sudo, the user who called sudo. */
export function caller(): string {
  return process.env['SUDO_USER'] ?? process.env['USER'] ?? `uid ${process.getuid?.() ?? 'unknown'}`
}

export function withPlace<T>(yargs: Argv<T>, describe: string) {
  return yargs.positional('place', { type: 'string', demandOption: true, describe })
}
