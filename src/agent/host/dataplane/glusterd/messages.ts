/*
 * What operators read of a volume that gluster does not make as desired. Tests compare with these functions, so that a wording is
 * changed here alone.
 */

export const carriesFormerMark = (volume: string, why: string) =>
  `a brick directory of ${volume} carries the mark of an earlier volume: ${why}`
export const lacksMark = (volume: string, why: string) =>
  `a brick directory of ${volume} does not carry the mark of its volume: ${why}`
export const hasOtherBricks = (volume: string, bricks: readonly string[]) =>
  `volume ${volume} now has other bricks, and is left alone: ${bricks.join(', ')}`
export const notInAnswer = (volume: string) => `the answer of gluster volume info ${volume} does not contain the volume`
export const bricksOffline = (volume: string, bricks: readonly string[]) =>
  `every brick of ${volume} must be online, but these are offline: ${bricks.join(', ')}`
export const bricksMissing = (volume: string, found: number, expected: number) =>
  `volume ${volume} has ${found} bricks instead of ${expected}`
export const noServerAnswers = (servers: readonly string[]) => `no gluster server answers: ${servers.join(', ')}`

// The packet filter of compute nodes
export const filterNotInstalled = (reason: string) =>
  `any user of this host can read and write buffers: the packet filter cannot be installed: ${reason}`
export const filterNotKnown = (names: readonly string[]) =>
  `the packet filter does not know the addresses of ${names.join(', ')}: the name is not found`
