import { XMLParser } from 'fast-xml-parser'
import { Busy } from '../../../port/host.js'
import { CommandError, type Run, type RunResult } from '../../exec/run.js'
import { coalesce } from '../../exec/coalesce.js'

/*
 * The gluster program. The XML says whether a command worked; its exit code does not (measured: 0 on failure). A time-out is
 * not a failure: what was asked may still happen, so nothing is ever undone for it.
 *
 * A start of the program costs more than its question. It takes several questions on its standard input and answers each in
 * turn (measured, 10.3), so what is asked together is asked by one process.
 */
const timeoutSeconds = 60
/** On its standard input it waits as long for a glusterd that is not there, where an argument fails after 3 s (measured). */
const togetherSeconds = 30
/** Timers of one round are some milliseconds apart. */
const gatherMs = 10
/**
 * Every start of `gluster` asks for geo-replication's version through Python, which takes 80 of its 100 ms (measured,
 * 10.3). gsyncd runs what PYTHON names, and we never ask for geo-replication.
 */
const env = { PYTHON: '/bin/true' }
const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  isArray: (name) => ['volume', 'brick', 'option', 'peer', 'node'].includes(name),
})

export interface Output {
  opRet: number
  opErrno: number
  opErrstr: string
  body: Record<string, unknown>
}

/** The words of a command: `volume`, `info`. */
export type Words = readonly string[]

/** The gluster program of one host. */
export interface Gluster {
  run: Run
  /**
   * A question that this host's glusterd answers by itself. What is asked at the same time is asked once, by one
   * process. Throws Busy when no answer came in time, Unavailable while its container is away, CommandError when the
   * program fails; what glusterd refuses is an answer (`opRet`).
   */
  ask: (...words: string[]) => Promise<Output>
}

/** `run`: runs programs where gluster is installed, on the host or in its container. */
export function glusterThrough(run: Run): Gluster {
  let asked = new Map<string, Words>()
  const answers = coalesce(async () => {
    const questions = asked
    asked = new Map()
    const outputs = await askTogether(run, [...questions.values()])
    return new Map([...questions.keys()].map((key, index) => [key, outputs[index]!]))
  }, gatherMs)
  const ask = async (...words: string[]) => {
    const key = words.join(' ')
    asked.set(key, words)
    return (await answers()).get(key)!
  }
  return { run, ask }
}

/** What is to be done, by a process of its own. Throws as `Gluster.ask` does; after Busy it may have been done. */
export async function command(run: Run, words: Words): Promise<Output> {
  const [output] = await answersTo(run, timeoutSeconds, [words])
  return output!
}

/** Questions, answered in their order by one process: all of them, or none. */
export function askTogether(run: Run, questions: readonly Words[]): Promise<Output[]> {
  return answersTo(run, questions.length > 1 ? togetherSeconds : timeoutSeconds, questions)
}

async function answersTo(run: Run, seconds: number, questions: readonly Words[]): Promise<Output[]> {
  const isOne = questions.length === 1
  const argv = ['gluster', '--mode=script', '--xml', `--timeout=${seconds}`, ...(isOne ? questions[0]! : [])] as const
  const result = await run(argv as unknown as [string, ...string[]], {
    timeoutMs: (seconds * questions.length + 10) * 1000,
    env,
    ...(isOne ? {} : { stdin: questions.map(lineOf).join('') }),
  }).catch((error: unknown) => {
    const hung = error instanceof CommandError && error.result.timedOut
    throw hung ? new Busy(`${error.message}: whether it was done will show`, { cause: error }) : error
  })
  const outputs = parseOutputs(result.stdout)
  if (outputs?.length === questions.length) return outputs
  throw noAnswer(argv, questions, result)
}

function lineOf(words: Words): string {
  const bad = words.find((word) => !/^\S+$/.test(word))
  if (bad !== undefined) throw new Error(`no word of a gluster command: ${JSON.stringify(bad)}`)
  return `${words.join(' ')}\n`
}

function noAnswer(argv: Words, questions: readonly Words[], result: RunResult): Error {
  const asked = questions.map((question) => question.join(' ')).join(', ')
  const words = result.stdout.replace(/<\?xml[^]*?<\/cliOutput>/g, '').trim()
  const said = `${result.stderr.replace(/^Welcome to gluster prompt.*/, '')} ${words}`.trim()
  if (/timed out/i.test(said)) return new Busy(`gluster ${asked}: ${said}: whether it was done will show`)
  return new CommandError(argv, { ...result, signal: null, stderr: said, timedOut: false })
}

/**
 * Undefined unless it is whole answers alone. After "Error : Request timed out" `volume info` goes on with well-formed XML that
 * reports success and no volumes (measured): what has words before it is no answer.
 */
export function parseOutputs(text: string): Output[] | undefined {
  const documents = text.trim().split(/(?<=<\/cliOutput>)\s*/)
  const outputs = documents.map(parseOutput)
  return outputs.every((output) => output !== undefined) ? outputs : undefined
}

function parseOutput(xml: string): Output | undefined {
  if (!xml.startsWith('<?xml') || !xml.endsWith('</cliOutput>')) return undefined
  const { cliOutput } = parser.parse(xml) as { cliOutput: Record<string, unknown> }
  const { opRet, opErrno, opErrstr, ...body } = cliOutput
  return {
    opRet: Number(opRet),
    opErrno: Number(opErrno),
    opErrstr: typeof opErrstr === 'string' ? opErrstr : '',
    body,
  }
}
