import type { Readable } from 'node:stream'

const maxTogetherBytes = 128 * 1024 * 1024

/** Reads the bodies of requests, with one limit for all that are being read at the same time. */
export class Bodies {
  private bytes = 0

  constructor(private readonly maxBytes = maxTogetherBytes) {}

  async read(request: Readable, maxBytes: number): Promise<{ text: string } | 'too large' | 'too many'> {
    const chunks: Buffer[] = []
    let size = 0
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        size += chunk.length
        this.bytes += chunk.length
        if (size > maxBytes) return 'too large'
        if (this.bytes > this.maxBytes) return 'too many'
        chunks.push(chunk)
      }
      return { text: Buffer.concat(chunks).toString() }
    } finally {
      this.bytes -= size
    }
  }
}
