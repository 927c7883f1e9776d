import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../../daemon/clock.js'
import type { WipeAbilities } from '../../../model/documents/wipe.js'
import { clipped } from '../../../model/fields.js'
import type { BlockDevice } from './blockDevice.js'
import type { Run } from '../exec/run.js'
import { type SanitizeAbility, sanitizeAbility } from './sanitize.js'

/**
 * In which ways a device can be wiped. Never throws: an ability that the drive does not report is `unknown`, with the
 * reason.
 */
export type AbilitiesOf = (device: BlockDevice, identity: string) => Promise<WipeAbilities>

/** Abilities rarely change. Namespaces may change: the drive is queried again before it is sanitized. */
const knownForMs = 600_000

/** In which ways devices can be wiped. Keeps a drive's answer for ten minutes. */
export function abilitiesOf(run: Run, clock: Pick<Clock, 'monotonicMs'>): AbilitiesOf {
  const known = new Map<string, { ability: SanitizeAbility; untilMs: number }>()
  const abilityOf = async (device: BlockDevice, name: string) => {
    const before = known.get(name)
    if (before && clock.monotonicMs() < before.untilMs) return before.ability
    const ability = await sanitizeAbility(device, run)
    if (ability.sanitize === 'unknown') known.delete(name)
    else known.set(name, { ability, untilMs: clock.monotonicMs() + knownForMs })
    return ability
  }
  return async (device, identity) => {
    const ability = await abilityOf(device, `${device.sysfs} ${identity}`)
    return {
      discard: await canDiscard(device),
      sanitize: ability.sanitize,
      ...(ability.sanitize === 'yes' ? {} : { reason: clipped(ability.reason) }),
    }
  }
}

async function canDiscard({ sysfs }: BlockDevice): Promise<boolean> {
  const most = await readFile(join(sysfs, 'queue/discard_max_bytes'), 'utf8').catch(() => '0')
  return Number(most) > 0
}
