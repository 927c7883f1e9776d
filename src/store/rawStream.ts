/** A two-way stream of etcd3, whose own types are incomplete. */
export interface RawStream<Request, Response> {
  /** Sends a message. */
  write(request: Request): void
  /** Ends it cleanly. */
  end(): void
  /** Cancels it; etcd3 then considers its host broken. */
  cancel(): void
  /** Called for every message of the server. */
  on(event: 'data', handler: (response: Response) => void): void
  /** Called when the stream failed. */
  on(event: 'error', handler: (error: Error) => void): void
  /** Called when the server ended it. */
  on(event: 'end', handler: () => void): void
}
