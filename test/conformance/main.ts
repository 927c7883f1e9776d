import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { type Ended, run } from './campaign.js'
import { measureCosts, tellCosts } from './costs.js'
import { triedGraphs } from './graphs.js'
import { kinds, localKinds, type Promised } from './histories/kinds.js'
import { startDirect } from './planes/direct.js'
import { glusterdGraphs, startGlusterd } from './planes/glusterd.js'
import { startLocal } from './planes/local.js'
import { layouts, type Plane, type PlaneOptions } from './planes/plane.js'
import { buildWorker, Worker } from './worker.js'

/* npm run conformance: whether the file system of a buffer answers as POSIX and close-to-open consistency want it. */

const planes: Record<string, (options: PlaneOptions) => Plane | Promise<Plane>> = {
  direct: startDirect,
  glusterd: startGlusterd,
  local: ({ directory }) => startLocal(directory),
}
const graphsOf = (plane: string) => (plane === 'glusterd' ? glusterdGraphs : Object.keys(triedGraphs))
/** Where the namespaces of a run are made: what runs in them knows its directory by this. */
const inside = 'BURSTBUFFER_CONFORMANCE'

const options = await yargs(hideBin(process.argv))
  .scriptName('npm run conformance --')
  .options({
    plane: { choices: Object.keys(planes), default: 'direct', describe: 'local is a directory of this machine' },
    layout: { choices: layouts, default: 'distribute' as const },
    graph: { type: 'string', default: 'exact', describe: 'of the client' },
    kinds: {
      type: 'string',
      default: '',
      describe: `of histories, instead of those that the graph promises; some of ${Object.keys(kinds).join(',')}`,
    },
    minutes: { type: 'number', default: 5, describe: 'no history begins later' },
    histories: { type: 'number', default: 1_000_000, describe: 'no more than so many' },
    seed: { type: 'number', default: Date.now() % 1_000_000, describe: 'of the first history; the next has the next' },
    parallel: { type: 'number', default: 2, describe: 'so many histories at a time' },
    'brick-megabytes': { type: 'number', default: 160 },
    costs: { type: 'string', default: '', describe: 'graphs of direct whose speed is measured in turn, instead' },
    rounds: { type: 'number', default: 5, describe: 'of --costs' },
    story: { type: 'boolean', default: false, describe: 'print the calls of a history that went wrong' },
  })
  .check(({ graph, plane }) => graphsOf(plane).includes(graph) || `graphs of ${plane}: ${graphsOf(plane).join(', ')}`)
  .check(
    ({ kinds: chosen }) => listed(chosen).every((kind) => kind in kinds) || `kinds: ${Object.keys(kinds).join(', ')}`,
  )
  .strict()
  .parseAsync()

process.exitCode = options.plane === 'local' || process.env[inside] ? await play() : playInside()

/** In namespaces of its own, with all that it starts: nothing on this machine is disturbed, and nothing stays. */
function playInside(): number {
  const directory = mkdtempSync(join(tmpdir(), 'burstbuffer-conformance-'))
  try {
    const flags = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc']
    const shell = ['sh', '-c', 'ip link set lo up && exec "$@"', 'sh']
    const program = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
    const ended = spawnSync('unshare', [...flags, ...shell, ...program], {
      stdio: 'inherit',
      env: { ...process.env, [inside]: directory },
    })
    if (ended.error) throw ended.error
    return ended.status ?? 1
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function play(): Promise<number> {
  const directory = process.env[inside] ?? mkdtempSync(join(tmpdir(), 'burstbuffer-conformance-'))
  try {
    return await playIn(directory)
  } finally {
    if (options.plane === 'local') rmSync(directory, { recursive: true, force: true })
  }
}

async function playIn(directory: string): Promise<number> {
  const { plane: planeName, layout, graph, seed, minutes, histories, parallel, story } = options
  const program = buildWorker(directory)
  const start = async (name: string) => {
    const own = join(directory, name)
    mkdirSync(own)
    return planes[planeName]!({ directory: own, layout, graph: name, brickMegabytes: options['brick-megabytes'] })
  }
  const startWorker = (root: string) => new Worker(program, root)
  if (options.costs !== '') {
    const started = new Map<string, Plane>()
    for (const name of listed(options.costs)) started.set(name, await start(name))
    const costs = await measureCosts(started, options.rounds, startWorker, (line) => console.log(line))
    for (const line of tellCosts(costs)) console.log(line)
    return 0
  }
  const plane = await start(graph)
  const words = `--plane ${planeName} --layout ${layout} --graph ${graph}`
  console.log(`${words} --seed ${seed}${planeName === 'local' ? '' : `, ${version()}`}`)
  const chosen = options.kinds === '' ? promisedKinds(planeName, graph, layout) : listed(options.kinds)
  const sums = new Map(chosen.map((kind) => [kind, { wrong: 0, total: 0 }]))
  const tell = ({ kind, seed, wrong, story: lines }: Ended) => {
    const sum = sums.get(kind)!
    sum.total++
    if (wrong === undefined) return
    sum.wrong++
    console.log(`${kind} seed ${seed}: ${wrong}`)
    console.log(`  again: npm run conformance -- ${words} --kinds ${kind} --seed ${seed} --histories 1 --story`)
    if (story) console.log(lines.map((line) => `  ${line}`).join('\n'))
  }
  await run({ kinds: chosen, seed, histories, minutes, parallel }, plane, startWorker, tell)
  for (const [kind, { wrong, total }] of sums) console.log(`${kind}: ${wrong} wrong of ${total}`)
  return [...sums.values()].some(({ wrong }) => wrong > 0) ? 1 : 0
}

/** What must be right. */
function promisedKinds(planeName: string, graph: string, layout: string): string[] {
  if (planeName === 'local') return localKinds
  const { entryTimeoutSeconds, keepPages } = triedGraphs[graph] ?? triedGraphs['cached']!
  const promised: Record<Promised, boolean> = {
    names: entryTimeoutSeconds === 0,
    kept: keepPages,
    opened: !keepPages,
    distribute: layout === 'distribute',
    top: planeName === 'direct',
    nobody: false,
  }
  return Object.entries(kinds)
    .filter(([, { needs = [] }]) => needs.every((each) => promised[each]))
    .map(([name]) => name)
}

function version(): string {
  return execFileSync('glusterfs', ['--version'], { encoding: 'utf8' }).split('\n')[0]!
}

function listed(text: string): string[] {
  return text.split(',').filter((word) => word !== '')
}
