import { z } from 'zod'
import { port } from '../../../../model/documents/direct.js'

/** Below the ports that Linux gives to outgoing connections by itself, so that none of them is in a brick's way. */
const usualBrickPorts = '29000-29999'

const expectedRange = 'expected two ports as in 29000-29999, the lower one first, both from 1024 to 65535'

/** It stays a text: settings are read twice. */
const portRange = z.string({ error: expectedRange }).refine((text) => {
  const { first, last } = portsIn(text)
  return port.safeParse(first).success && port.safeParse(last).success && first <= last
}, expectedRange)

function portsIn(range: string): { first: number; last: number } {
  const [first = NaN, last = NaN] = (/^([0-9]{1,5}) ?- ?([0-9]{1,5})$/.exec(range) ?? []).slice(1).map(Number)
  return { first, last }
}

/** Keys of agent.yaml that are this plane's alone. */
export const directSettings = {
  /** Storage hosts: the ports that bricks may be served on; see `brickPortsOf`. */
  brickPorts: portRange.optional(),
}
export const directSettingNames = ['brickPorts'] as const
export type DirectSettings = z.infer<z.ZodObject<typeof directSettings>>
type WithRoles = DirectSettings & { roles: readonly string[] }

/** What must hold between them and the host's roles. */
export const brickPortsNeedStorage = {
  /** Only storage hosts serve bricks. */
  holds: ({ brickPorts, roles }: WithRoles) => brickPorts === undefined || roles.includes('storage'),
  error: { path: ['roles'], message: 'expected storage among them, because brickPorts is set' },
}

/** Ports that bricks of this host may be served on, both among them; undefined when it serves none. */
export function brickPortsOf({ brickPorts, roles }: WithRoles): { first: number; last: number } | undefined {
  return roles.includes('storage') ? ownBrickPorts({ brickPorts }) : undefined
}

/** Those of this host if it is a storage host, and otherwise those that most storage hosts have. */
export function ownBrickPorts({ brickPorts }: Pick<DirectSettings, 'brickPorts'>): { first: number; last: number } {
  return portsIn(brickPorts ?? usualBrickPorts)
}
