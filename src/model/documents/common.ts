import { z } from 'zod'
import { maxBricks, text } from '../fields.js'
import { documentName } from '../names.js'
import { tolerant } from '../tolerant.js'

/*
 * Every JSON document in etcd has its schema in this folder. Each contains the version of its schema, `v`. A reader rejects a
 * document that does not match as a whole. One program writes each key (ARCHITECTURE.md).
 * Fields may be added within one `v`: optional, and registered in `levels.ts`. Readers keep fields that they do not know.
 * Sizes are bytes, times are unix seconds, ids are positive integers that are never reused.
 */

export const version = z.literal(1)
export const bytes = z.int().nonnegative()
export const id = z.int().positive()
export const unixSeconds = z.int().nonnegative()
export const uuid = z.guid()
export const bootId = z.string().min(1).max(100)

/** The leader's fence: the create revision of its `leader` key. */
export const fence = z.int().nonnegative()

/** The owner of something: its name is for people, its id for programs. */
export const bufferName = tolerant({ id, name: documentName })
export const sessionName = tolerant({ id, token: documentName })

const problem = tolerant({
  message: text,
  /** terminal: the agent will not try again until the desired document changes. */
  terminal: z.boolean(),
})
export type Problem = z.infer<typeof problem>

/** The fields that every report of an agent has. */
export const reported = { v: version, problem: problem.optional(), waitingFor: z.array(text).max(maxBricks) }
