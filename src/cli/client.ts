import { request } from 'node:http'
import { createInterface } from 'node:readline'
import type { ErrorView, WatchView } from '../model/api.js'
import {
  type Answer,
  type Body,
  type OperationName,
  operations,
  type PathParameters,
  type Query,
} from '../model/operations.js'
import * as messages from './messages.js'

export const defaultSocket = '/run/burstbuffer/scheduler.sock'

/** Why a command failed: bbctl prints its message and exits with 1. */
export class CallError extends Error {
  override name = 'CallError'
  constructor(
    message: string,
    /** The scheduler's answer, if there was one. */
    readonly view?: ErrorView,
  ) {
    super(message)
  }
}

/** The arguments of a call: the parameters of the operation's path and query, and its body. */
export type Asked<K extends OperationName> = PathParameters<K> &
  (Body<K> extends undefined ? unknown : { body: Body<K> }) & { query?: Query<K> }
type AskedIfAny<K extends OperationName> = object extends Asked<K> ? [asked?: Asked<K>] : [asked: Asked<K>]

/** The scheduler's socket. Every method throws CallError with one line for the user. */
export interface Client {
  call<K extends OperationName>(name: K, ...asked: AskedIfAny<K>): Promise<Answer<K>>
  /** Yields each view when it comes, until the scheduler ends the stream. */
  watch(query: Query<'watch'>): AsyncGenerator<WatchView>
}

export function openClient(socket: string): Client {
  return {
    call: async <K extends OperationName>(name: K, ...[asked]: AskedIfAny<K>) => {
      const { status, text } = await exchange(
        socket,
        operations[name].method,
        addressOf(name, asked),
        asked as { body?: object },
      )
      if (status < 300) return JSON.parse(text) as Answer<K>
      throw failureOf(status, text)
    },
    watch: (query) => lines(socket, addressOf('watch', { query })),
  }
}

function addressOf(name: OperationName, asked: { query?: object } = {}): string {
  const given = asked as Record<string, string>
  const path = operations[name].path.replace(/\{(\w+)\}/g, (_, parameter: string) =>
    encodeURIComponent(given[parameter]!),
  )
  const query = new URLSearchParams(asked.query as Record<string, string>).toString()
  return query === '' ? path : `${path}?${query}`
}

function exchange(
  socket: string,
  method: string,
  path: string,
  { body }: { body?: object } = {},
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const message = request({ socketPath: socket, method, path, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 500, text: Buffer.concat(chunks).toString() }))
      response.on('error', (error) => reject(unreachable(socket, error)))
    })
    message.on('error', (error) => reject(unreachable(socket, error)))
    message.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

async function* lines<T>(socket: string, path: string): AsyncGenerator<T> {
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    const message = request({ socketPath: socket, path, agent: false }, resolve)
    message.on('error', (error) => reject(unreachable(socket, error)))
    message.end()
  })
  try {
    for await (const line of createInterface({ input: response })) yield JSON.parse(line) as T
  } finally {
    // A watch that never ends must not keep a caller alive that has read enough.
    response.destroy()
  }
}

function failureOf(status: number, text: string): CallError {
  try {
    const view = JSON.parse(text) as ErrorView
    const { error, suggestions = [] } = view
    return new CallError(messages.withSuggestions(error, suggestions), view)
  } catch {
    return new CallError(messages.unexpectedAnswer(status, text.trim().slice(0, 500)))
  }
}

function unreachable(socket: string, error: NodeJS.ErrnoException): CallError {
  switch (error.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return new CallError(messages.schedulerUnreachable(socket))
    case 'EACCES':
    case 'EPERM':
      return new CallError(messages.permissionDenied(socket))
    default:
      return new CallError(messages.connectionLost(socket, error.message))
  }
}
