import { serversOf } from '../../../model/buffers.js'
import type { BufferDocument } from '../../../model/documents/buffer.js'

/** The command that mounts a buffer by hand, once it was built and until it leaves. */
export function mountCommand(buffer: BufferDocument): string | undefined {
  if (buffer.builtAt === undefined || buffer.wanted === 'absent') return undefined
  const [first, ...others] = serversOf(buffer)
  const options = others.length > 0 ? `-o backup-volfile-servers=${others.join(':')} ` : ''
  return `mount -t glusterfs ${options}${first}:/${buffer.volume} /mnt/${buffer.volume}`
}
