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

export const defaultSocket = '/run/burstbuffer/scheduler.sock'

/** What bbctl says and exits with when a call did not go well. */
export class CallError extends Error {
  override name = 'CallError'
  constructor(
    message: string,
    /** What the scheduler answered, if it did. */
    readonly view?: ErrorView,
  ) {
    super(message)
  }
}

/** What an operation is asked with: the parameters of its path, of its query, and its body. */
export type Asked<K extends OperationName> = PathParameters<K> &
  (Body<K> extends undefined ? unknown : { body: Body<K> }) & { query?: Query<K> }
type AskedIfAny<K extends OperationName> = object extends Asked<K> ? [asked?: Asked<K>] : [asked: Asked<K>]

/** The scheduler's socket. Every method throws CallError with one line for the user. */
export interface Client {
  call<K extends OperationName>(name: K, ...asked: AskedIfAny<K>): Promise<Answer<K>>
  /** What it shows as it comes, until the scheduler ends it. */
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
    // A caller that has read enough must not be kept alive by a watch that never ends.
    response.destroy()
  }
}

function failureOf(status: number, text: string): CallError {
  try {
    const view = JSON.parse(text) as ErrorView
    const { error, suggestions = [] } = view
    return new CallError(suggestions.length > 0 ? `${error}; did you mean ${suggestions.join(', ')}?` : error, view)
  } catch {
    return new CallError(`the scheduler answered ${status}: ${text.trim().slice(0, 500)}`)
  }
}

function unreachable(socket: string, error: NodeJS.ErrnoException): CallError {
  switch (error.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return new CallError(`the scheduler does not answer on ${socket}: is bb-scheduler running on this host?`)
    case 'EACCES':
    case 'EPERM':
      return new CallError(`${socket} may not be opened: run bbctl as root or as the slurm user`)
    default:
      return new CallError(`the scheduler's answer on ${socket} broke off: ${error.message}`)
  }
}
