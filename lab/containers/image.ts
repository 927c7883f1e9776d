import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import type Docker from 'dockerode'
import { must } from '../common/run.js'

/*
 * Builds images from the files in docker/. If a base image cannot be pulled, it is made here: Debian by debootstrap with this
 * machine's package sources, Node from this machine's node.
 */
export const baseImage = 'debian:bookworm-slim'
const nodeImage = 'node:22-bookworm-slim'
const ownNodeImage = `burstbuffer-node:${process.version}`
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

/** Provides the base images of docker/Dockerfile. Returns the name of the image with Node. */
export async function startingImages(making: Making): Promise<string> {
  await base(making)
  const { docker, say } = making
  for (const image of [nodeImage, ownNodeImage]) if (await has(docker, image)) return image
  const refused = await refusalOf(making, nodeImage)
  if (refused === undefined) return nodeImage
  say(`it cannot be pulled (${refused}): using this machine's node`)
  await makeNodeImage(docker)
  return ownNodeImage
}

async function base(making: Making): Promise<void> {
  const { docker, say } = making
  if (await has(docker, baseImage)) return
  const refused = await refusalOf(making, baseImage)
  if (refused === undefined) return
  say(`it cannot be pulled (${refused}): making it with debootstrap`)
  await inFolder(async (folder) => {
    const root = join(folder, 'root')
    await debootstrap(root)
    await importRoot(docker, root, baseImage)
  })
}

/** Pulls an image. Returns why it cannot be pulled; undefined if it was. */
async function refusalOf({ docker, say }: Making, image: string): Promise<string | undefined> {
  say(`pulling ${image}`)
  return pull(docker, image).then(
    () => undefined,
    (error: unknown) => (error as Error).message.trim(),
  )
}

/** An image with this machine's node and npm, and npm's settings for its registry. */
async function makeNodeImage(docker: Docker): Promise<void> {
  const npm = realpathSync((await must(['sh', '-c', 'command -v npm'])).trim())
  const setting = async (name: string) => (await must(['npm', 'config', 'get', name])).trim()
  const registry = await setting('registry')
  const cafile = await setting('cafile')
  await inFolder(async (folder) => {
    const local = join(folder, 'root/usr/local')
    cpSync(process.execPath, join(local, 'bin/node'), { dereference: true })
    cpSync(dirname(dirname(npm)), join(local, 'lib/npm'), { recursive: true })
    const settings = [`export npm_config_registry='${registry}'`]
    if (existsSync(cafile)) {
      cpSync(cafile, join(local, 'lib/ca.pem'), { dereference: true })
      settings.push('export npm_config_cafile=/usr/local/lib/ca.pem')
    }
    const script = ['#!/bin/sh', ...settings, 'exec node /usr/local/lib/npm/bin/npm-cli.js "$@"', '']
    writeFileSync(join(local, 'bin/npm'), script.join('\n'), { mode: 0o755 })
    await importRoot(docker, join(folder, 'root'), ownNodeImage)
  })
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bb-image-'))
  try {
    await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function importRoot(docker: Docker, root: string, image: string): Promise<void> {
  const [repo, tag] = image.split(':')
  const file = `${root}.tar`
  await must(['tar', '-C', root, '-cf', file, '.'])
  await consume(await docker.importImage(file, { repo, tag }))
}

/** Packages come from the sources of this machine, now and when the image is built. */
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

async function pull(docker: Docker, image: string): Promise<void> {
  const ended = docker.pull(image).then(consume)
  const late = pause(pullMs, undefined, { ref: false }).then(() => {
    throw new Error(`timed out after ${pullMs / 1000} s`)
  })
  await Promise.race([ended, late])
}

/** Builds an image whose context is only the Dockerfile; the engine caches steps. */
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

/** Reads the output of the engine to its end. Throws with the last lines if it reports an error. */
async function consume(stream: NodeJS.ReadableStream): Promise<void> {
  let said = ''
  for (const line of (await text(stream)).split('\n')) {
    if (line.trim() === '') continue
    const message = JSON.parse(line) as { stream?: string; error?: string }
    said += message.stream ?? ''
    if (message.error !== undefined) throw new Error(`${message.error}\n${said.split('\n').slice(-20).join('\n')}`)
  }
}
