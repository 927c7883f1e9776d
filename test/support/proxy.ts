import { connect, createServer, type Socket } from 'node:net'

type Direction = 'up' | 'down'

/** A TCP proxy that can be a bad network. `up` is from the client to the server, `down` the answers. */
export class Proxy {
  port = 0
  /** Connections that were taken so far. */
  accepted = 0
  private readonly server = createServer((client) => this.accept(client))
  private readonly links = new Set<{ client: Socket; upstream: Socket }>()
  private dropping: Record<Direction, boolean> = { up: false, down: false }
  private refusing = false
  private readonly watchers = new Set<(direction: Direction, bytes: Buffer) => void>()

  private constructor(private readonly target: number) {}

  static async to(port: number): Promise<Proxy> {
    const proxy = new Proxy(port)
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve))
    const address = proxy.server.address()
    proxy.port = typeof address === 'object' && address ? address.port : 0
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Connections are taken and what goes in these directions vanishes, without a word to either side. */
  drop(...directions: Direction[]): void {
    for (const direction of directions) this.dropping[direction] = true
  }

  /** What was dropped is lost, so the connections it was dropped from are of no more use: they are cut. */
  heal(): void {
    this.dropping = { up: false, down: false }
    this.refusing = false
    this.cut()
  }

  /** Every connection ends, and until `heal` a new one ends at once. */
  refuse(): void {
    this.refusing = true
    this.cut()
  }

  cut(): void {
    for (const { client, upstream } of this.links) {
      client.destroy()
      upstream.destroy()
    }
    this.links.clear()
  }

  /** Calls back with what passes or is dropped, until the returned function is called. */
  onBytes(callback: (direction: Direction, bytes: Buffer) => void): () => void {
    this.watchers.add(callback)
    return () => this.watchers.delete(callback)
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise<void>((resolve) => this.server.close(() => resolve()))
  }

  private accept(client: Socket): void {
    if (this.refusing) return void client.destroy()
    this.accepted++
    const upstream = connect(this.target, '127.0.0.1')
    const link = { client, upstream }
    this.links.add(link)
    const end = () => {
      client.destroy()
      upstream.destroy()
      this.links.delete(link)
    }
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end)
    client.on('data', (bytes) => this.pass('up', bytes, upstream))
    upstream.on('data', (bytes) => this.pass('down', bytes, client))
  }

  private pass(direction: Direction, bytes: Buffer, to: Socket): void {
    for (const watcher of [...this.watchers]) watcher(direction, bytes)
    if (!this.dropping[direction] && !to.destroyed) to.write(bytes)
  }
}
