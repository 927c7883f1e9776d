import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Tally } from './support/reporter.js'

/*
 * npm test: every check and every suite, also after one has failed. At the end what failed is told again, for it may stand
 * thousands of lines above, and a last line sums all up.
 * npm test -- unit e2e runs only those.
 */

/** No suite takes this long, were it that many of its tests wait in vain: one that does hangs. */
const deadlineMs = 40 * 60_000
const checks: Record<string, string[]> = {
  eslint: [bin('eslint'), '.'],
  prettier: [bin('prettier'), '--check', '--log-level=warn', '.'],
  types: [bin('tsc'), '--noEmit', '-p', '.'],
  walls: [bin('depcruise'), '--config', '.dependency-cruiser.js', 'src', 'lab', 'bench', 'test'],
}
interface Suite {
  files: string[]
  env?: Record<string, string>
}
/** Of the suite of faults, but played in the soak's lab: so that no line takes much longer than the other. */
const besideSoak = ['gluster', 'leftovers', 'repair', 'staging'].map((name) => `test/faults/${name}.test.ts`)
const suites: Record<string, Suite> = {
  unit: { files: ['test/unit/**/*.test.ts'] },
  simulation: { files: ['test/simulation/**/*.test.ts'] },
  integration: { files: ['test/integration/**/*.test.ts'] },
  e2e: { files: ['test/e2e/**/*.test.ts'] },
  faults: { files: ['test/faults/**/*.test.ts', ...besideSoak.flatMap((file) => ['--ignore', file])] },
  soak: { files: [...besideSoak, 'test/soak/**/*.test.ts'], env: { FAULTS_LAB: 'soak' } },
  // On the cluster in containers: its own tests, and of the end-to-end tests the one that goes the whole road.
  compose: { files: ['test/e2e/demo.test.ts', 'test/compose/**/*.test.ts'], env: { BURSTBUFFER_CLUSTER: 'docker' } },
}
/**
 * Stage after stage. Suites of one line run one after the other, lines beside one another: the first two compute on one processor each,
 * those with a lab mostly wait for Slurm.
 */
const stages = [
  [['unit'], ['simulation']],
  [
    ['e2e', 'faults'],
    ['integration', 'compose', 'soak'],
  ],
]

const chosen = process.argv.slice(2)
const unknown = chosen.filter((name) => !(name in checks) && !(name in suites))
if (unknown.length > 0) {
  console.error(
    `no suite ${unknown.join(', ')}: there are ${[...Object.keys(checks), ...Object.keys(suites)].join(', ')}`,
  )
  process.exit(2)
}
const isChosen = (name: string) => chosen.length === 0 || chosen.includes(name)

const tallies: Tally[] = []
for (const name of Object.keys(checks)) if (isChosen(name)) tallies.push(await check(name))
for (const stage of stages) {
  const lines = stage.map((line) => line.filter(isChosen)).filter((line) => line.length > 0)
  await Promise.all(
    lines.map(async (line) => {
      for (const name of line) tallies.push(await suite(name, { isHeld: lines.length > 1 }))
    }),
  )
}

const sum = (of: 'passed' | 'failed' | 'skipped') => tallies.reduce((total, tally) => total + tally[of], 0)
for (const failure of tallies.flatMap(({ failures = [] }) => failures)) console.log(`FAILED ${failure}`)
const skipped = sum('skipped') > 0 ? `, ${sum('skipped')} skipped` : ''
console.log(`${sum('passed')} passed, ${sum('failed')} failed${skipped}`)
process.exit(sum('failed') > 0 ? 1 : 0)

/** A check is one test: it passes or fails as a whole. */
async function check(name: string): Promise<Tally> {
  console.log(`\n== ${name}`)
  const { code } = await run(checks[name]!)
  console.log(code === 0 ? 'passed' : `failed: ${checks[name]!.join(' ')}`)
  if (code === 0) return { passed: 1, failed: 0, skipped: 0 }
  return { passed: 0, failed: 1, skipped: 0, failures: [name] }
}

/** A suite that crashes before its end, or that holds no test at all, is a failure. Held, its output comes at its end. */
async function suite(name: string, { isHeld = false } = {}): Promise<Tally> {
  console.log(`\n== ${name}${isHeld ? ': begun' : ''}`)
  const folder = mkdtempSync(join(tmpdir(), 'suite-'))
  const file = join(folder, 'tally.json')
  const reporter = ['--reporter', 'test/support/reporter.ts', '--reporter-option', `tally=${file}`]
  const { files, env } = suites[name]!
  const { code, held } = await run([bin('mocha'), ...reporter, ...files], { ...(env ? { env } : {}), isHeld })
  if (isHeld) console.log(`\n== ${name}\n${held}`)
  let tally: Tally
  try {
    tally = JSON.parse(readFileSync(file, 'utf8')) as Tally
  } catch {
    tally = { passed: 0, failed: 0, skipped: 0 }
  }
  rmSync(folder, { recursive: true })
  const isEmpty = tally.passed + tally.failed + tally.skipped === 0
  if (isEmpty) console.log(`the suite ${name} did not run to its end, or has no tests`)
  if (tally.failed === 0 && (code !== 0 || isEmpty)) {
    tally.failed = 1
    tally.failures = [`${name}: the suite as a whole, with code ${code}`]
  }
  return tally
}

interface Ended {
  code: number
  held: string
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
      resolve({ code: code ?? 1, held })
    })
  })
}

function bin(name: string): string {
  return join('node_modules/.bin', name)
}
