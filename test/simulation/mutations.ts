import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { editsOf, type Mutation, mutations } from './guards.js'
import { edited, fileWith, markersBelow } from './markers.js'

/*
 * npm run mutations: does the simulation bite? Each guard is taken out of a copy of the source, and histories are played until
 * one goes wrong. A guard that can go missing unnoticed is a finding.
 */
const seeds = Number(process.env['SEEDS'] ?? 8)
const only = process.argv[2]
const markers = markersBelow('src')
const rows: string[] = []
let missed = 0
for (const mutation of mutations) {
  if (only !== undefined && !mutation.guard.includes(only)) continue
  const caught = await attempt(mutation)
  if (caught === undefined) missed++
  const row = `| ${mutation.invariant} | ${mutation.guard} | \`${fileWith(markers, mutation.marker)}\` | ${caught ?? '**not caught**'} |`
  rows.push(row)
  console.log(row)
}
console.log(`${rows.length - missed} of ${rows.length} caught`)
process.exit(missed > 0 ? 1 : 0)

/** What the first bad history says, with its seed; undefined when all went well. */
async function attempt(mutation: Mutation): Promise<string | undefined> {
  const copy = mkdtempSync(join(tmpdir(), 'mutation-'))
  try {
    for (const folder of ['src', 'test/simulation', 'test/support'])
      cpSync(folder, join(copy, folder), { recursive: true })
    for (const name of ['package.json', 'tsconfig.json']) cpSync(name, join(copy, name))
    symlinkSync(resolve('node_modules'), join(copy, 'node_modules'))
    for (const { marker, edit } of editsOf(mutation)) {
      const path = join(copy, fileWith(markers, marker))
      writeFileSync(path, edited(readFileSync(path, 'utf8'), marker, edit))
    }
    const argv = [
      '--import',
      'tsx',
      'test/simulation/main.ts',
      '--until-wrong',
      '--chance',
      '0.01',
      '--seeds',
      String(seeds),
    ]
    return /^(seed .*)$/m.exec(await outputOf(copy, argv))?.[1]?.slice(0, 150)
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

function outputOf(directory: string, argv: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, argv, { cwd: directory, stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    child.on('error', reject)
    child.on('close', () => resolve(said))
  })
}
