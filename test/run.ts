import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Tally } from './support/reporter.js'

/*
 * npm test: every check and every suite, also after one has failed. At the end what failed is told again, for it may stand
 * thousands of lines above, and a last line sums all up.
 * npm test -- unit e2e runs only those. --brief (npm run check) prints only what fails, and how long each has taken.
 */

/** No suite takes this long, were it that many of its tests wait in vain: one that does hangs. */
const deadlineMs = 40 * 60_000
/** Not prettier's own place for it: every run without --cache deletes the cache there. */
const prettierCache = ['--cache', '--cache-location', 'node_modules/.cache/check/prettier']
const checks: Record<string, string[]> = {
  types: [bin('tsc'), '--noEmit', '-p', '.'],
  prettier: [bin('prettier'), '--check', ...prettierCache, '--log-level=warn', '.'],
  // Without its cache: rules that know types judge a file by others that it imports, and the cache looks at the file alone.
  eslint: [bin('eslint'), '.'],
  walls: [bin('depcruise'), '--config', '.dependency-cruiser.js', 'src', 'lab', 'bench', 'test'],
  docs: [bin('typedoc'), '--emit', 'none', '--logLevel', 'Warn'],
}
interface Suite {
  files: string[]
  /** More files, which another process plays at the same time. */
  beside?: string[]
  env?: Record<string, string>
}
/** Of the suite of faults, but played in the soak's lab: so that no line takes much longer than the other. */
const besideSoak = ['direct', 'gluster', 'leftovers', 'repair', 'staging'].map((name) => `test/faults/${name}.test.ts`)
const unitOfAgent = 'test/unit/agent/**/*.test.ts'
const suites: Record<string, Suite> = {
  // The tests of the agent mostly wait, the others mostly compute.
  unit: { files: ['test/unit/**/*.test.ts', '--ignore', unitOfAgent], beside: [unitOfAgent] },
  simulation: { files: ['test/simulation/**/*.test.ts'] },
  integration: { files: ['test/integration/**/*.test.ts'] },
  conformance: { files: ['test/conformance/**/*.test.ts'] },
  e2e: { files: ['test/e2e/**/*.test.ts'] },
  faults: { files: ['test/faults/**/*.test.ts', ...besideSoak.flatMap((file) => ['--ignore', file])] },
  soak: { files: [...besideSoak, 'test/soak/**/*.test.ts'], env: { FAULTS_LAB: 'soak' } },
  // On the cluster in containers: its own tests, and of the end-to-end tests the one that goes the whole road.
  compose: { files: ['test/e2e/demo.test.ts', 'test/compose/**/*.test.ts'], env: { BURSTBUFFER_CLUSTER: 'docker' } },
}
/**
 * Stage after stage. Checks and suites of one line run one after the other, lines beside one another: the simulation computes on one
 * processor, the unit tests wait about as long as they compute, those with a lab mostly wait for Slurm.
 */
const stages = [
  [Object.keys(checks), ['unit'], ['simulation']],
  [
    ['e2e', 'faults'],
    ['integration', 'conformance', 'compose', 'soak'],
  ],
]

const isBrief = process.argv.includes('--brief')
const chosen = process.argv.slice(2).filter((name) => name !== '--brief')
const unknown = chosen.filter((name) => !(name in checks) && !(name in suites))
if (unknown.length > 0) {
  console.error(
    `no suite ${unknown.join(', ')}: there are ${[...Object.keys(checks), ...Object.keys(suites)].join(', ')}`,
  )
  process.exit(2)
}
const isChosen = (name: string) => chosen.length === 0 || chosen.includes(name)

const tallies: Tally[] = []
for (const stage of stages) {
  const lines = stage.map((line) => line.filter(isChosen)).filter((line) => line.length > 0)
  await Promise.all(
    lines.map(async (line) => {
      const isHeld = isBrief || lines.length > 1
      for (const name of line) tallies.push(await (name in checks ? check : suite)(name, { isHeld }))
    }),
  )
}

const sum = (of: Count) => total(tallies, of)
for (const failure of tallies.flatMap(({ failures = [] }) => failures)) console.log(`FAILED ${failure}`)
const skipped = sum('skipped') > 0 ? `, ${sum('skipped')} skipped` : ''
console.log(`${sum('passed')} passed, ${sum('failed')} failed${skipped}`)
process.exit(sum('failed') > 0 ? 1 : 0)

type Count = 'passed' | 'failed' | 'skipped'

function total(of: Tally[], count: Count): number {
  return of.reduce((sum, tally) => sum + tally[count], 0)
}

/** A check is one test: it passes or fails as a whole. */
async function check(name: string, { isHeld = false } = {}): Promise<Tally> {
  if (!isHeld) console.log(`\n== ${name}`)
  const ended = await run(checks[name]!, { isHeld })
  const tally: Tally =
    ended.code === 0
      ? { passed: 1, failed: 0, skipped: 0 }
      : { passed: 0, failed: 1, skipped: 0, failures: [`${name}: ${checks[name]!.join(' ')}`] }
  report(name, tally, ended)
  return tally
}

/** Held, its output comes at its end. */
async function suite(name: string, { isHeld = false } = {}): Promise<Tally> {
  if (!isBrief) console.log(`\n== ${name}${isHeld ? ': begun' : ''}`)
  const { files, beside, env = {} } = suites[name]!
  const parts = await Promise.all(
    [files, ...(beside ? [beside] : [])].map((part) =>
      runMocha(name, part, { env, isHeld: isHeld || beside !== undefined }),
    ),
  )
  const tally: Tally = {
    passed: total(parts, 'passed'),
    failed: total(parts, 'failed'),
    skipped: total(parts, 'skipped'),
    failures: parts.flatMap(({ failures = [] }) => failures),
  }
  const held = parts.flatMap((part) => part.held ?? [])
  report(name, tally, {
    held: held.length > 0 ? held.join('\n') : undefined,
    seconds: Math.max(...parts.map(({ seconds }) => seconds)),
  })
  return tally
}

/** A run that crashes before its end, or that has no test at all, is a failure. */
async function runMocha(
  name: string,
  files: string[],
  how: { env: Record<string, string>; isHeld: boolean },
): Promise<Tally & Ended> {
  const folder = mkdtempSync(join(tmpdir(), 'suite-'))
  const file = join(folder, 'tally.json')
  const reporter = ['--reporter', 'test/support/reporter.ts', '--reporter-option', `tally=${file}`]
  const ended = await run([bin('mocha'), ...reporter, ...files], how)
  let tally: Tally
  try {
    tally = JSON.parse(readFileSync(file, 'utf8')) as Tally
  } catch {
    tally = { passed: 0, failed: 0, skipped: 0 }
  }
  rmSync(folder, { recursive: true })
  const isEmpty = tally.passed + tally.failed + tally.skipped === 0
  if (tally.failed === 0 && (ended.code !== 0 || isEmpty)) {
    tally.failed = 1
    tally.failures = [
      isEmpty
        ? `${name}: ${files.join(' ')} did not run to its end, or has no tests (exit code ${ended.code})`
        : `${name}: ${files.join(' ')} as a whole, with exit code ${ended.code}`,
    ]
  }
  return { ...tally, ...ended }
}

/** Tells how a check or suite ended, with the output that was held; when brief, only with that of one that failed. */
function report(name: string, { failed }: Tally, { held, seconds }: Omit<Ended, 'code'>): void {
  const verdict = failed === 0 ? 'passed' : 'failed'
  if (held !== undefined && (!isBrief || failed > 0)) console.log(`\n== ${name}\n${held}`)
  if (isBrief) console.log(`${verdict} ${name} (${seconds} s)`)
  else if (name in checks) console.log(verdict)
}

interface Ended {
  code: number
  /** Its output, where that was not printed at once. */
  held: string | undefined
  seconds: number
}

function run(
  [program, ...args]: string[],
  { env = {}, isHeld = false }: { env?: Record<string, string>; isHeld?: boolean } = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const to = isHeld ? 'pipe' : 'inherit'
    const child = spawn(program!, args, {
      stdio: ['ignore', to, to],
      env: { ...process.env, ...env },
      detached: true,
    })
    const begun = Date.now()
    let held = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (held += text))
    }
    const timer = setTimeout(() => {
      console.log(`no end after ${deadlineMs / 60_000} minutes: ${program}`)
      // With all that it has started: one that lives on would keep the output open.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM')
    }, deadlineMs)
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ code: code ?? 1, held: isHeld ? held : undefined, seconds: Math.round((Date.now() - begun) / 1000) })
    })
  })
}

function bin(name: string): string {
  return join('node_modules/.bin', name)
}
