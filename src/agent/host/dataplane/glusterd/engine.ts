import Docker from 'dockerode'

/** A container engine, by the Docker Engine API on a unix socket. */
export interface Engine {
  socket: string
  docker: Docker
}

/** An engine at that unix socket, which need not be there yet: nothing is asked. */
export function engineAt(socket: string): Engine {
  return { socket, docker: new Docker({ socketPath: socket }) }
}

/** What the engine said, or why it could not be asked, in words that an operator can act on. */
export function engineError(error: unknown, { socket }: Pick<Engine, 'socket'>): string {
  const { code, statusCode, json, message } = error as Partial<EngineError>
  if (statusCode !== undefined) return json?.message?.trim() ?? message ?? `status ${statusCode}`
  switch (code) {
    case 'ENOENT':
      return `there is no socket ${socket}: is the engine running, and is gluster.socket right?`
    case 'EACCES':
      return `no access to ${socket}: run the agent as root or with the socket's group`
    case 'ECONNREFUSED':
      return `nothing answers at ${socket}: is the engine running?`
    default:
      return message ?? String(error)
  }
}

/** The engine says that it has no such container. */
export function isMissing(error: unknown): boolean {
  return (error as Partial<EngineError>).statusCode === 404
}

/** An error of dockerode: the engine's, with a status, or the connection's, with a code. */
interface EngineError {
  code: string
  statusCode: number
  json: { message?: string }
  message: string
}
