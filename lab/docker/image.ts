import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import type Docker from 'dockerode'
import { must } from '../run.js'

/*
 * Images made of the files in docker/. Where the image that they begin with cannot be pulled, one of that name is made by
 * debootstrap, with this machine's own package sources.
 */
export const baseImage = 'debian:bookworm-slim'
const pullMs = 60_000
const checkout = resolve(import.meta.dirname, '../..')

export interface Making {
  docker: Docker
  say: (line: string) => void
}

/** GlusterFS's server, as Debian has it. */
export async function glusterImage(making: Making): Promise<string> {
  await base(making)
  return build(making, 'burstbuffer-gluster', 'docker/gluster.Dockerfile')
}

async function base({ docker, say }: Making): Promise<void> {
  if (await has(docker, baseImage)) return
  say(`pulling ${baseImage}`)
  const refused = await pull(docker).then(
    () => undefined,
    (error: unknown) => (error as Error).message.trim(),
  )
  if (refused === undefined) return
  say(`it cannot be pulled (${refused}): making it with debootstrap`)
  const folder = mkdtempSync(join(tmpdir(), 'bb-base-'))
  try {
    const root = join(folder, 'root')
    await debootstrap(root)
    await must(['tar', '-C', root, '-cf', join(folder, 'root.tar'), '.'])
    const [repo, tag] = baseImage.split(':')
    await consume(await docker.importImage(join(folder, 'root.tar'), { repo, tag }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Packages come from where this machine has them, now and when the image is built. */
async function debootstrap(root: string): Promise<void> {
  const targets = ['Created-By: Packages', 'Codename: bookworm', 'Component: main']
  const mirrors = await must(['apt-get', 'indextargets', '--format', '$(REPO_URI)', ...targets])
  const settings = (await must(['apt-config', 'dump', 'Acquire']))
    .split('\n')
    .filter((line) => settingsOfSources.test(line))
  const proxy = /^Acquire::http::Proxy "(.+)";$/m.exec(settings.join('\n'))?.[1]
  const mirror = mirrors.split('\n').filter((line) => line !== '')
  const proxied = proxy === undefined ? [] : ['env', `http_proxy=${proxy}`]
  await must([...proxied, 'debootstrap', '--variant=minbase', 'bookworm', root, ...mirror.slice(0, 1)], {
    timeoutMs: 600_000,
  })
  for (const file of ['sources.list', 'sources.list.d/debian.sources']) {
    if (existsSync(join('/etc/apt', file))) cpSync(join('/etc/apt', file), join(root, 'etc/apt', file))
  }
  writeFileSync(join(root, 'etc/apt/apt.conf.d/90-as-on-the-machine'), settings.map((line) => `${line}\n`).join(''))
  rmSync(join(root, 'var/cache/apt/archives'), { recursive: true, force: true })
}

const settingsOfSources = /^Acquire::(https?::|Check-|Retries)/

async function pull(docker: Docker): Promise<void> {
  const ended = docker.pull(baseImage).then(consume)
  const late = pause(pullMs, undefined, { ref: false }).then(() => {
    throw new Error(`no end after ${pullMs / 1000} s`)
  })
  await Promise.race([ended, late])
}

/** With nothing but the Dockerfile in its context; the engine does only the steps that it has not done before. */
async function build({ docker, say }: Making, tag: string, dockerfile: string): Promise<string> {
  say(`building the image ${tag}`)
  const tar = spawn('tar', ['-C', join(checkout, dirname(dockerfile)), '-c', basename(dockerfile)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const options = { t: tag, dockerfile: basename(dockerfile), networkmode: 'host' }
  await consume(await docker.buildImage(tar.stdout, options))
  return tag
}

async function has(docker: Docker, image: string): Promise<boolean> {
  return docker
    .getImage(image)
    .inspect()
    .then(
      () => true,
      () => false,
    )
}

/** To the end of what the engine says; throws with its last words when it reports an error. */
async function consume(stream: NodeJS.ReadableStream): Promise<void> {
  let said = ''
  for (const line of (await text(stream)).split('\n')) {
    if (line.trim() === '') continue
    const message = JSON.parse(line) as { stream?: string; error?: string }
    said += message.stream ?? ''
    if (message.error !== undefined) throw new Error(`${message.error}\n${said.split('\n').slice(-20).join('\n')}`)
  }
}
