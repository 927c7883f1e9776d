import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { type HostSpec, labSite } from '../../lab/common/hosts.js'
import { installed, type Service, serviceOf } from '../../lab/common/services.js'

/** With each release, the one before it comes to stand here. */
const commit = 'd23663f'
const checkout = resolve(import.meta.dirname, '../..')
const inCheckout = `dist/previous/${commit}`
const folder = join(checkout, inCheckout)
const git = (...words: string[]) => command('git', '-C', checkout, '-c', 'safe.directory=*', ...words)

/** The release before this one, as its own lab runs and configures it. */
export interface PreviousRelease {
  /** Where the lab's hosts have it. */
  installed: string
  service: typeof serviceOf
  configFiles: (host: HostSpec) => Record<string, string>
}

/** Built from the history in git, once, where the lab's hosts see it and find this checkout's packages. */
export async function previousRelease(): Promise<PreviousRelease> {
  if (!existsSync(join(folder, 'built'))) await build()
  const [services, config] = (await Promise.all(
    ['services.ts', 'config.ts'].map((file) => import(join(folder, 'lab', file))),
  )) as [typeof import('../../lab/common/services.js'), typeof import('../../lab/common/config.js')]
  const place = `${installed}/${inCheckout}`
  const service = (...args: Parameters<typeof serviceOf>): Service => {
    const found = services.serviceOf(...args)
    return { ...found, argv: found.argv.map((word) => word.replace(services.installed, place)) }
  }
  return { installed: place, service, configFiles: (host) => config.configFiles(host, labSite) }
}

async function build(): Promise<void> {
  await git('cat-file', '-e', `${commit}^{commit}`).catch((error: unknown) => {
    const why = `the release before this one, ${commit}, is not in this checkout's history: "git fetch --unshallow" brings it`
    throw new Error(why, { cause: error })
  })
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const archive = join(folder, 'archive.tar')
  await git('archive', '-o', archive, commit, 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'src', 'lab')
  await command('tar', '-C', folder, '-xf', archive)
  refuseOtherPackages()
  await command(
    process.execPath,
    join(checkout, 'node_modules/typescript/bin/tsc'),
    '-p',
    join(folder, 'tsconfig.build.json'),
  )
  writeFileSync(join(folder, 'built.new'), '')
  renameSync(join(folder, 'built.new'), join(folder, 'built'))
}

/** It runs with the packages of this checkout, which may have more of them; with other versions it would not be that release. */
function refuseOtherPackages(): void {
  const [theirs, ours] = [folder, checkout].map((place) => {
    const { dependencies } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8')) as Packages
    return dependencies
  }) as [Packages['dependencies'], Packages['dependencies']]
  const others = Object.entries(theirs).filter(([name, version]) => ours[name] !== version)
  if (others.length === 0) return
  const list = others.map(([name, version]) => `${name} ${version}, here ${ours[name] ?? 'none'}`).join('; ')
  throw new Error(`${commit} needs packages of its own, in ${folder}: ${list}`)
}

interface Packages {
  dependencies: Record<string, string>
}

async function command(program: string, ...argv: string[]): Promise<string> {
  return (await promisify(execFile)(program, argv)).stdout
}
