/** A two-way stream of etcd3, whose own types do not say what it can do. */
export interface RawStream<Request, Response> {
  /** Sends a message. */
  write(request: Request): void
  /** Leaves it in good order. */
  end(): void
  /** Breaks it off; etcd3 takes its host for broken then. */
  cancel(): void
  /** Hears what the server sends. */
  on(event: 'data', handler: (response: Response) => void): void
  /** Hears that it broke. */
  on(event: 'error', handler: (error: Error) => void): void
  /** Hears that the server ended it. */
  on(event: 'end', handler: () => void): void
}
