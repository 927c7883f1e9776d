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
  /** The names or IP addresses by which other hosts reach this one, the best first. */
  addresses: writtenAddresses,
  versions: record(shortText, shortText, 32),
  startedAt: unixSeconds,
  /** A new one means that earlier processes and mounts are gone: the host, or its container, was restarted. */
  boot: bootId.optional(),
  /** What an operator has to fix on this host, for example an invalid configuration. */
  problems: z.array(text).max(100).optional(),
  /** Ports for bricks of the data plane `direct`, including both ends; when absent, the host serves no such bricks. */
  brickPorts: tolerant({ first: port, last: port }).optional(),
  /** Paths below which users may stage from and to on this storage host; none when absent. */
  stagePaths: z.array(writtenPath).max(1_000).optional(),
})
export type HostDocument = z.infer<typeof hostDocument>
