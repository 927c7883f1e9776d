import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Refusal } from '../../port.js'
import type { BlockDevice } from './blockDevice.js'
import { type Run, runOk } from '../exec/run.js'

/*
 * NVMe's Sanitize by way of nvme-cli. The command is the drive's, not the namespace's: it erases everything that the drive
 * ever held, with spare blocks and caches, and so is given only where the device is the one namespace of its drive.
 *
 * Sources: nvme-id-ctrl(1), nvme-sanitize(1), nvme-sanitize-log(1); NVM Express 1.4, figures 247 (SANICAP) and 226 (SSTAT).
 */
const askMs = 30_000
const pollMs = 2_000
/** A drive that erases for longer hangs. */
const maxMs = 12 * 3_600_000
const progressParts = 65_536
const states = { done: 1, running: 2, doneAndDeallocated: 4 }

/** How a drive is told to erase: `action` is the number of nvme sanitize's `--sanact`. */
export interface Sanitizer {
  controller: string
  action: '2' | '4'
}

export type SanitizeAbility =
  ({ sanitize: 'yes' } & Sanitizer) | { sanitize: 'no'; reason: string } | { sanitize: 'unknown'; reason: string }

/** What the drive of this device can do. Only asks. */
export async function sanitizeAbility({ sysfs }: Pick<BlockDevice, 'sysfs'>, run: Run): Promise<SanitizeAbility> {
  const found = await controllerOf(sysfs)
  if ('cannot' in found) return { sanitize: 'no', reason: found.cannot }
  const { controller } = found
  try {
    const action = eraseAction(await ask(run, ['nvme', 'id-ctrl', controller, '--output-format=json']))
    if (action === undefined) return { sanitize: 'no', reason: 'its drive knows neither block erase nor crypto erase' }
    const namespaces = await namespacesOf(controller, run)
    if (namespaces !== 1)
      return { sanitize: 'no', reason: `its drive has ${namespaces} namespaces, which would all be erased` }
    return { sanitize: 'yes', controller, action }
  } catch (error) {
    return { sanitize: 'unknown', reason: `its drive cannot be asked: ${(error as Error).message}` }
  }
}

/** Block erase before crypto erase, which leaves the data to whoever has kept the key; undefined when it can do neither. */
export function eraseAction(identity: string): Sanitizer['action'] | undefined {
  const { sanicap } = JSON.parse(identity) as { sanicap?: unknown }
  const abilities = Number(sanicap ?? 0)
  if (!Number.isSafeInteger(abilities)) throw new Error(`nvme id-ctrl gives sanicap as ${String(sanicap)}`)
  if (abilities & 2) return '2'
  return abilities & 1 ? '4' : undefined
}

/** Resolves when the drive says that it is done. The caller holds the device, so that nobody else uses it meanwhile. */
export async function sanitize(
  device: Pick<BlockDevice, 'sysfs'>,
  name: string,
  run: Run,
  /** Which part of the whole is done. When it throws, the drive goes on without us. */
  onProgress: (share: number) => void,
  waitMs = pollMs,
): Promise<void> {
  const ability = await sanitizeAbility(device, run)
  if (ability.sanitize !== 'yes') throw new Refusal(`device ${name} cannot be sanitized: ${ability.reason}`)
  const { controller, action } = ability
  // One that an agent began which has died since is waited for: a drive takes no second command meanwhile.
  if (sanitizeStatus(await ask(run, ['nvme', 'sanitize-log', controller])).state !== states.running)
    await ask(run, ['nvme', 'sanitize', `--sanact=${action}`, controller])
  const end = performance.now() + maxMs
  for (;;) {
    const { state, share } = sanitizeStatus(await ask(run, ['nvme', 'sanitize-log', controller]))
    if (state === states.done || state === states.doneAndDeallocated) return
    if (state !== states.running) throw new Refusal(`device ${name} was not sanitized: its drive gives state ${state}`)
    if (performance.now() > end) throw new Refusal(`device ${name} is not sanitized after ${maxMs / 3_600_000} hours`)
    onProgress(share)
    await pause(waitMs)
  }
}

/** How far the drive has come that another run of the agent told to erase; undefined when it does not. */
export async function sanitizing({ sysfs }: Pick<BlockDevice, 'sysfs'>, run: Run): Promise<number | undefined> {
  const found = await controllerOf(sysfs)
  if ('cannot' in found) return undefined
  const log = await ask(run, ['nvme', 'sanitize-log', found.controller]).catch(() => undefined)
  if (log === undefined) return undefined
  const { state, share } = sanitizeStatus(log)
  return state === states.running ? share : undefined
}

/** From nvme sanitize-log's plain words, which its versions write alike; its JSON differs between them. */
export function sanitizeStatus(log: string): { state: number; share: number } {
  const status = Number(/\(SSTAT\)\s*:\s*(0x[0-9a-f]+|[0-9]+)/i.exec(log)?.[1] ?? NaN)
  const progress = Number(/\(SPROG\)\s*:\s*(0x[0-9a-f]+|[0-9]+)/i.exec(log)?.[1] ?? NaN)
  if (Number.isNaN(status) || Number.isNaN(progress)) throw new Error('nvme sanitize-log gives no SSTAT or SPROG')
  return { state: status & 7, share: progress / progressParts }
}

/** As in /dev/nvme0. A drive that several controllers lead to may be another host's too. */
async function controllerOf(sysfs: string): Promise<{ controller: string } | { cannot: string }> {
  const parent = basename(dirname(sysfs))
  if (/^nvme[0-9]+$/.test(parent)) return { controller: `/dev/${parent}` }
  if (!/^nvme-subsys[0-9]+$/.test(parent)) return { cannot: 'it is not an NVMe drive' }
  const controllers = (await readdir(join(dirname(sysfs)))).filter((entry) => /^nvme[0-9]+$/.test(entry))
  if (controllers.length !== 1) return { cannot: `${controllers.length} controllers lead to its drive` }
  return { controller: `/dev/${controllers[0]}` }
}

/** Also those that no host has been given; a drive that does not tell those apart has none. */
async function namespacesOf(controller: string, run: Run): Promise<number> {
  const all = await run(['nvme', 'list-ns', '--all', controller], { timeoutMs: askMs })
  const text = all.code === 0 ? all.stdout : await ask(run, ['nvme', 'list-ns', controller])
  return text.split('\n').filter((line) => /^\[\s*[0-9]+\]:/.test(line)).length
}

async function ask(run: Run, argv: readonly [string, ...string[]]): Promise<string> {
  return (await runOk(run, argv, { timeoutMs: askMs })).stdout
}
