import { chmodSync, existsSync, rmSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { Bodies } from './bodies.js'
import * as messages from './messages.js'
import type { Clock } from '../../daemon/clock.js'
import { ConfigError } from '../../daemon/configFile.js'
import type { Log } from '../../daemon/log.js'

/** One request to the scheduler's socket, with its body. */
export interface Request {
  method: string
  /** What the pattern's groups matched, decoded. */
  parts: string[]
  query: URLSearchParams
  body: string
  /** Calls back when the caller has disconnected; the work goes on. */
  onGone(callback: () => void): void
}

export type Reply =
  | { status?: number; headers?: Record<string, string>; body: string; type?: string }
  /** Lines are written one by one until the caller disconnects; `write` resolves when the next may follow. */
  | { stream: (write: (line: string) => Promise<void>, end: () => void) => void }

export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  pattern: RegExp
  /** The largest body in bytes; 1 MiB by default. */
  maxBodyBytes?: number
  handle(request: Request): Promise<Reply>
}

export interface ServerOptions {
  socket: string
  routes: Route[]
  clock: Clock
  log: Log
}

const maxBodyBytes = 1024 * 1024
/** Each waiting call of Slurm needs a connection: one for every job that is set up, staged or mounted. More are refused, and the shim calls again. */
const maxConnections = 8_192
/** A request that is not sent within this time is cancelled, and so is an answer of which nothing is read for that time. */
const patienceMs = 60_000

/**
 * HTTP on a unix socket. Its directory keeps other users out (0750, root or slurm and the slurm group); the socket itself is 0660. The
 * socket of a dead scheduler is replaced; if another scheduler listens on it, this one fails with a ConfigError.
 */
export async function serve(options: ServerOptions): Promise<{ close(): Promise<void> }> {
  const { socket, log, clock } = options
  await makeRoom(socket)
  const bodies = new Bodies()
  const server = createServer({ connectionsCheckingInterval: 5_000 }, (request, response) => {
    endUnread(clock, response)
    answer(options, bodies, request, response).catch((error: unknown) => {
      log.error('request failed', {
        url: request.url,
        reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
      })
      send(response, {
        status: 500,
        body: `${messages.failed(error instanceof Error ? error.message : String(error))}\n`,
      })
    })
  })
  // Only for sending the request; the answer may take a day.
  server.requestTimeout = patienceMs
  server.headersTimeout = patienceMs
  server.maxConnections = maxConnections
  server.on('drop', () => log.warn('connection refused: too many are open', { maxConnections }))
  server.timeout = 0
  server.keepAliveTimeout = 1_000
  await listen(server, socket)
  log.info('listening', { socket })
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  { routes, clock, log }: ServerOptions,
  bodies: Bodies,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const start = clock.monotonicMs()
  const url = addressOf(request.url ?? '/')
  if (!url) return send(response, { status: 400, body: `${messages.invalidAddress()}\n` })
  const routed = routes.flatMap((route) => {
    const match = route.method === request.method ? route.pattern.exec(url.pathname) : null
    return match ? [{ route, match }] : []
  })[0]
  const body = await bodies.read(request, routed?.route.maxBodyBytes ?? maxBodyBytes)
  if (body === 'too many') return send(response, { status: 503, body: `${messages.tooManyLarge()}\n` })
  if (body === 'too large')
    return send(response, {
      status: 413,
      body: `${messages.tooLarge(routed?.route.maxBodyBytes ?? maxBodyBytes)}\n`,
    })
  if (!routed) return send(response, { status: 404, body: `${messages.noRoute(request.method, url.pathname)}\n` })
  const { route, match } = routed
  const parts = match
    .slice(1)
    .flatMap((part: string | undefined) => (part === undefined ? [] : [decodeURIComponent(part)]))
  const onGone = (callback: () => void) => {
    // The caller may have disconnected before this is called.
    if (response.closed || response.destroyed) queueMicrotask(callback)
    else response.on('close', callback)
  }
  const reply = await route.handle({ method: route.method, parts, query: url.searchParams, body: body.text, onGone })
  if ('stream' in reply) {
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson' })
    response.flushHeaders()
    reply.stream(
      (line) => written(response, `${line}\n`),
      () => response.end(),
    )
    return
  }
  send(response, reply)
  log.debug('request', {
    method: route.method,
    path: url.pathname,
    status: reply.status ?? 200,
    ms: Math.round(clock.monotonicMs() - start),
  })
}

/** Resolves when the caller has read most of it, or has disconnected: unread lines must not fill this program's memory. */
function written(response: ServerResponse, text: string): Promise<void> {
  if (response.destroyed || response.write(text)) return Promise.resolve()
  return new Promise((resolve) => {
    const end = () => {
      response.off('drain', end).off('close', end)
      resolve()
    }
    response.on('drain', end).on('close', end)
  })
}

/** Ends an answer that its caller does not read. The size of what waits to be written shows whether some of it was read. */
function endUnread(clock: Clock, response: ServerResponse): void {
  let cancel = () => {}
  const look = (before: number) => {
    cancel = clock.after(patienceMs, () => {
      const waiting = response.writableLength
      if (waiting > 0 && waiting === before) response.destroy()
      else look(waiting)
    })
  }
  look(0)
  response.on('close', () => cancel())
}

/** undefined when it is not valid, for example because of an incomplete escape. */
function addressOf(text: string): URL | undefined {
  try {
    const url = new URL(text, 'http://socket')
    decodeURIComponent(url.pathname)
    return url
  } catch {
    return undefined
  }
}

function send(response: ServerResponse, reply: Exclude<Reply, { stream: unknown }>): void {
  if (response.headersSent) return void response.end()
  const body = Buffer.from(reply.body)
  response.writeHead(reply.status ?? 200, {
    'Content-Type': reply.type ?? 'text/plain; charset=utf-8',
    'Content-Length': body.length,
    ...reply.headers,
  })
  response.end(body)
}

async function makeRoom(socket: string): Promise<void> {
  const directory = dirname(socket)
  if (!existsSync(directory)) throw new ConfigError(messages.noDirectory(directory))
  if (!existsSync(socket)) return
  if (!statSync(socket).isSocket()) throw new ConfigError(messages.notASocket(socket))
  if (await isServed(socket)) throw new ConfigError(messages.alreadyServed(socket))
  rmSync(socket)
}

function isServed(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const client = connect(socket)
    client.on('connect', () => {
      client.destroy()
      resolve(true)
    })
    client.on('error', () => resolve(false))
  })
}

function listen(server: Server, socket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const before = process.umask(0o117)
    server.on('error', reject)
    server.listen(socket, () => {
      process.umask(before)
      chmodSync(socket, 0o660)
      resolve()
    })
  })
}
