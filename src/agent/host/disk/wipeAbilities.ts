import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../../daemon/clock.js'
import type { WipeAbilities } from '../../../model/documents/wipe.js'
import { clipped } from '../../../model/fields.js'
import type { BlockDevice } from './blockDevice.js'
import type { Run } from '../exec/run.js'
import { type SanitizeAbility, sanitizeAbility } from './sanitize.js'

/** What a device can be wiped by. Never throws: what a drive does not say is `unknown`, with the reason. */
export type AbilitiesOf = (device: BlockDevice, identity: string) => Promise<WipeAbilities>

/** A drive does not learn much; its namespaces may change, and it is asked again before it is told to erase. */
const knownForMs = 600_000

/** What devices can be wiped by; a drive that gave an answer is not asked at every look. */
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
