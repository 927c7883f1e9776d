import type { Access } from './accessModes.js'
import type { Stage } from './stageDirectives.js'
import type { SwapDirective } from './swapDirective.js'

/** What a job script asks for, as far as it is supported. `line` is the text of the directive, as a refusal shows it. */
export interface Directives {
  jobdw?: { bytes: number; access: Access; pool?: string; line: string }
  swap?: SwapDirective & { line: string }
  /** Persistent buffers that the job uses. */
  uses: { name: string; line: string }[]
  creates: { name: string; bytes: number; pool?: string; group?: string; line: string }[]
  destroys: { name: string; hurry: boolean; line: string }[]
  stages: StageDirective[]
  /** The folder of the job's output, if the script names an absolute path. */
  outputDirectory?: string
}

/** A stage directive of a script. `line` is its text. */
export type StageDirective = Stage & { line: string }
