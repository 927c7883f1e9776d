/** A two-way stream of etcd3, whose own types do not say what it can do. */
export interface RawStream<Request, Response> {
  write(request: Request): void
  end(): void
  cancel(): void
  on(event: 'data', handler: (response: Response) => void): void
  on(event: 'error', handler: (error: Error) => void): void
  on(event: 'end', handler: () => void): void
}
