import type { Log } from '../../daemon/log.js'
import { dwstat } from './dwstat.js'
import { dwWlmCli, type Reply as SlurmReply } from './dwWlmCli.js'
import type { SlurmDependencies } from './functions/context.js'
import { argumentTooLong, tooManyArguments } from './messages.js'
import type { Route } from '../http/server.js'

export interface ShimDependencies extends SlurmDependencies {
  log: Log
  userName(uid: number): string
}

/**
 * The programs that the shim stands for, by their names. The body contains the arguments, each followed by a NUL; the exit code is in
 * X-Exit-Code. A call goes on when slurmctld kills the shim: the repeated call finds its work.
 */
export function shimRoutes(deps: ShimDependencies): Route[] {
  const programs: Record<string, (words: string[], gone: Promise<void>) => Promise<SlurmReply>> = {
    dw_wlm_cli: (words, gone) => dwWlmCli(deps, words, gone),
    fakewarp: (words, gone) => dwWlmCli(deps, words, gone),
    dwstat: async (words) => {
      const shown = await dwstat(words, { ...deps, cluster: deps.decisions.cluster })
      return 'refused' in shown ? { code: 1, text: shown.refused } : { code: 0, text: shown.text }
    },
  }
  return [
    {
      method: 'POST',
      pattern: /^\/shim\/(dw_wlm_cli|fakewarp|dwstat)$/,
      handle: async ({ parts, body, onGone }) => {
        const start = deps.clock.monotonicMs()
        const given = body.split('\0').slice(0, -1)
        const problem = problemWithWords(given)
        const words = problem === undefined ? given : []
        const play = () => programs[parts[0]!]!(words, new Promise(onGone))
        const reply = problem === undefined ? await play() : { code: 1, text: problem }
        const fields = { program: parts[0], words, code: reply.code, ms: Math.round(deps.clock.monotonicMs() - start) }
        if (reply.code === 0) deps.log.debug('call', fields)
        else deps.log.info('call refused', { ...fields, text: reply.text.trim() })
        return { headers: { 'X-Exit-Code': String(reply.code) }, body: reply.text }
      },
    },
  ]
}

const maxWords = 64
/** The longest path that Linux opens. */
const maxWordBytes = 4_096

/** Checked before the words are read or logged: any user can pass words to dwstat through scontrol. */
function problemWithWords(words: readonly string[]): string | undefined {
  if (words.length > maxWords) return tooManyArguments(maxWords)
  const long = words.find((word) => Buffer.byteLength(word) > maxWordBytes)
  return long === undefined ? undefined : argumentTooLong(long, maxWordBytes)
}
