/** A file system under test: two mounts of it, as two nodes of a job have them. */
export interface Plane {
  mounts: readonly [string, string]
}

export const layouts = ['distribute', 'disperse'] as const
export type LayoutName = (typeof layouts)[number]

export interface PlaneOptions {
  /** For all of its files. */
  directory: string
  layout: LayoutName
  graph: string
  /** Of each brick. */
  brickMegabytes: number
}

/** Of each volume; a dispersed one can lose one of them. */
export const brickCount = 3
