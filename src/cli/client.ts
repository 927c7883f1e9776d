import { request } from 'node:http'
import { createInterface } from 'node:readline'
import type { ErrorView } from '../model/api.js'

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

/** The scheduler's socket. Every method throws CallError with one line for the user. */
export interface Client {
  get<T>(path: string): Promise<T>
  send<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<T>
  /** JSON lines as they come, until the scheduler or `signal` ends it. */
  lines<T>(path: string, signal?: AbortSignal): AsyncGenerator<T>
}

export function openClient(socket: string): Client {
  const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const { status, text } = await exchange(socket, method, path, body)
    if (status < 300) return JSON.parse(text) as T
    throw failureOf(status, text)
  }
  return {
    get: (path) => call('GET', path),
    send: call,
    lines: (path, signal) => lines(socket, path, signal),
  }
}

/** A path with its parts escaped. */
export function pathOf(...parts: string[]): string {
  return `/v1/${parts.map((part) => encodeURIComponent(part)).join('/')}`
}

function exchange(
  socket: string,
  method: string,
  path: string,
  body?: object,
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

async function* lines<T>(socket: string, path: string, signal?: AbortSignal): AsyncGenerator<T> {
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    const message = request({ socketPath: socket, path, agent: false, ...(signal ? { signal } : {}) }, resolve)
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
