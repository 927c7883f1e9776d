import type { z } from 'zod'
import type { ErrorView } from '../../model/api.js'
import type { Cluster } from '../../model/cluster.js'
import { type Committed, type DecisionStore, type Decision, NotLeader } from '../commit/decision.js'
import { NameServiceUnavailable } from '../users/nameService.js'
import type { Reply } from '../http/server.js'
import * as messages from './messages.js'

/** The failure of an operator's call, with its HTTP status and its answer. */
export class CallFailure extends Error {
  constructor(
    readonly status: number,
    readonly view: ErrorView,
  ) {
    super(view.error)
  }
}

export async function commitOrFail<T>(decisions: DecisionStore, decide: (cluster: Cluster) => Decision<T>): Promise<T> {
  let committed: Committed<T>
  try {
    committed = await decisions.commit(decide)
  } catch (error) {
    if (error instanceof NotLeader) throw new CallFailure(503, { error: error.message, refused: false })
    throw new CallFailure(503, {
      error: messages.etcdFailed(error instanceof Error ? error.message : String(error)),
      refused: false,
    })
  }
  if ('refused' in committed) throw new CallFailure(409, { error: committed.refused, refused: true })
  return committed.result
}

/** The answer in JSON: the result of the call, or its failure. */
export async function answer(act: () => Promise<object> | object): Promise<Reply> {
  try {
    return { type: 'application/json', body: `${JSON.stringify(await act())}\n` }
  } catch (error) {
    const failure = error instanceof NameServiceUnavailable ? unavailable(error) : error
    if (!(failure instanceof CallFailure)) throw error
    return { type: 'application/json', status: failure.status, body: `${JSON.stringify(failure.view)}\n` }
  }
}

function unavailable({ message }: Error): CallFailure {
  return new CallFailure(503, { error: message, refused: false })
}

export function parse<T>(body: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(body))
  } catch (error) {
    throw new CallFailure(400, { error: messages.invalidRequest((error as Error).message), refused: true })
  }
}
