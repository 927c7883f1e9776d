import { z } from 'zod'
import { record, shortText, text, writtenAddresses, writtenPath } from '../fields.js'
import { hostName } from '../names.js'
import { tolerant } from '../tolerant.js'
import { port } from './direct.js'
import { bootId, unixSeconds, version } from './common.js'

export const roles = ['storage', 'compute'] as const
export type Role = (typeof roles)[number]

/** `hosts/<host>`, under the agent's lease: a host is alive while it exists. */
export const hostDocument = tolerant({
  v: version,
  host: hostName,
  roles: z.array(z.enum(roles)).max(8),
  /** What other hosts reach this one by, best first: names or IP addresses. */
  addresses: writtenAddresses,
  versions: record(shortText, shortText, 32),
  startedAt: unixSeconds,
  /** Another one says that processes and mounts of before are gone: the host was restarted, or the container that it is. */
  boot: bootId.optional(),
  /** What an operator has to fix on this host, as a configuration that was refused. */
  problems: z.array(text).max(100).optional(),
  /** Ports that its bricks of the data plane `direct` may listen on, both among them; it serves none when absent. */
  brickPorts: tolerant({ first: port, last: port }).optional(),
  /** Below which paths users may stage from and to on this storage host; none is served when absent. */
  stagePaths: z.array(writtenPath).max(1_000).optional(),
})
export type HostDocument = z.infer<typeof hostDocument>
