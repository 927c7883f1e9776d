import { isWithin } from '../../../model/paths.js'

/** How much may be copied at once: runs of a copier, and bytes a second of all of them together. */
export interface StageLimit {
  slots?: number | undefined
  bytesPerSecond?: number | undefined
}

/** For the whole host, for each user, and for what is below a stage path. etc/agent.yaml explains them. */
export interface StageLimits {
  host: StageLimit & { slots: number }
  user: StageLimit
  paths: Readonly<Record<string, StageLimit>>
}

export const usualLimits: StageLimits = { host: { slots: 4 }, user: {}, paths: {} }

/** The path among the limits that the file is below: the longest one, if there are several. */
export function limitedPath({ paths }: StageLimits, file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  return Object.keys(paths)
    .filter((path) => isWithin(file, path))
    .reduce<string | undefined>((longest, path) => (path.length > (longest?.length ?? 0) ? path : longest), undefined)
}

/**
 * The rate of one run, 0 for no limit. Each limit is divided by its slots, whether or not all of them are taken: so it is
 * never exceeded, and no run has to be told that another one has begun.
 */
export function rateOfRun({ host, user, paths }: StageLimits, path: string | undefined): number {
  const limits: StageLimit[] = [host, user, ...(path === undefined ? [] : [paths[path]!])]
  const rates = limits.flatMap(({ bytesPerSecond, slots = host.slots }) =>
    bytesPerSecond === undefined ? [] : [bytesPerSecond / Math.min(slots, host.slots)],
  )
  return rates.length === 0 ? 0 : Math.max(1, Math.floor(Math.min(...rates)))
}
