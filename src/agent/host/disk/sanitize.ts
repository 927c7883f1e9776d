import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Refusal } from '../../port/host.js'
import type { BlockDevice } from './blockDevice.js'
import {
  cannotBeSanitized,
  cannotQueryDrive,
  noErase,
  notNvme,
  notSanitized,
  sanitizeTimedOut,
  severalControllers,
  severalNamespaces,
} from './messages.js'
import { type Run, runOk } from '../exec/run.js'

/*
 * NVMe Sanitize, through nvme-cli. The command is for the whole drive, not for one namespace: it erases everything that
 * the drive ever held, including spare blocks and caches. So it is used only if the device is the only namespace of its
 * drive.
 *
 * Sources: nvme-id-ctrl(1), nvme-sanitize(1), nvme-sanitize-log(1); NVM Express 1.4, figures 247 (SANICAP) and 226
 * (SSTAT).
 */
const askMs = 30_000
const pollMs = 2_000
/** A drive that erases for longer than this hangs. */
const maxMs = 12 * 3_600_000
const progressParts = 65_536
const states = { done: 1, running: 2, doneAndDeallocated: 4 }

/** The controller, and `action`, the number for the option `--sanact` of nvme sanitize. */
export interface Sanitizer {
  controller: string
  action: '2' | '4'
}

export type SanitizeAbility =
  ({ sanitize: 'yes' } & Sanitizer) | { sanitize: 'no'; reason: string } | { sanitize: 'unknown'; reason: string }

/** Whether the drive of this device can be sanitized. Changes nothing. */
export async function sanitizeAbility({ sysfs }: Pick<BlockDevice, 'sysfs'>, run: Run): Promise<SanitizeAbility> {
  const found = await controllerOf(sysfs)
  if ('cannot' in found) return { sanitize: 'no', reason: found.cannot }
  const { controller } = found
  try {
    const action = eraseAction(await ask(run, ['nvme', 'id-ctrl', controller, '--output-format=json']))
    if (action === undefined) return { sanitize: 'no', reason: noErase() }
    const namespaces = await namespacesOf(controller, run)
    if (namespaces !== 1) return { sanitize: 'no', reason: severalNamespaces(namespaces) }
    return { sanitize: 'yes', controller, action }
  } catch (error) {
    return { sanitize: 'unknown', reason: cannotQueryDrive((error as Error).message) }
  }
}

/**
 * Prefers block erase, because crypto erase leaves the data to anyone who has kept the key; undefined if the drive
 * supports neither.
 */
export function eraseAction(identity: string): Sanitizer['action'] | undefined {
  const { sanicap } = JSON.parse(identity) as { sanicap?: unknown }
  const abilities = Number(sanicap ?? 0)
  if (!Number.isSafeInteger(abilities)) throw new Error(`nvme id-ctrl reports an invalid sanicap: ${String(sanicap)}`)
  if (abilities & 2) return '2'
  return abilities & 1 ? '4' : undefined
}

/**
 * Resolves when the drive reports that it is done. The caller holds the device, so that nobody else uses it meanwhile.
 */
export async function sanitize(
  device: Pick<BlockDevice, 'sysfs'>,
  name: string,
  run: Run,
  /** Receives the share that is done, 0 to 1. When it throws, the drive continues on its own. */
  onProgress: (share: number) => void,
  waitMs = pollMs,
): Promise<void> {
  const ability = await sanitizeAbility(device, run)
  if (ability.sanitize !== 'yes') throw new Refusal(cannotBeSanitized(name, ability.reason))
  const { controller, action } = ability
  // If an earlier agent began a sanitize, wait for it: the drive takes no second command meanwhile.
  if (sanitizeStatus(await ask(run, ['nvme', 'sanitize-log', controller])).state !== states.running)
    await ask(run, ['nvme', 'sanitize', `--sanact=${action}`, controller])
  const end = performance.now() + maxMs
  for (;;) {
    const { state, share } = sanitizeStatus(await ask(run, ['nvme', 'sanitize-log', controller]))
    if (state === states.done || state === states.doneAndDeallocated) return
    if (state !== states.running) throw new Refusal(notSanitized(name, state))
    if (performance.now() > end) throw new Refusal(sanitizeTimedOut(name, maxMs / 3_600_000))
    onProgress(share)
    await pause(waitMs)
  }
}

/** The share that is done of a sanitize that another run of the agent began; undefined when none is running. */
export async function sanitizing({ sysfs }: Pick<BlockDevice, 'sysfs'>, run: Run): Promise<number | undefined> {
  const found = await controllerOf(sysfs)
  if ('cannot' in found) return undefined
  const log = await ask(run, ['nvme', 'sanitize-log', found.controller]).catch(() => undefined)
  if (log === undefined) return undefined
  const { state, share } = sanitizeStatus(log)
  return state === states.running ? share : undefined
}

/** Parses the plain output of nvme sanitize-log, which all versions write alike; their JSON differs. */
export function sanitizeStatus(log: string): { state: number; share: number } {
  const status = Number(/\(SSTAT\)\s*:\s*(0x[0-9a-f]+|[0-9]+)/i.exec(log)?.[1] ?? NaN)
  const progress = Number(/\(SPROG\)\s*:\s*(0x[0-9a-f]+|[0-9]+)/i.exec(log)?.[1] ?? NaN)
  if (Number.isNaN(status) || Number.isNaN(progress))
    throw new Error('the output of nvme sanitize-log has no SSTAT or SPROG')
  return { state: status & 7, share: progress / progressParts }
}

/** The controller, as in /dev/nvme0. A drive with several controllers may be shared with another host. */
async function controllerOf(sysfs: string): Promise<{ controller: string } | { cannot: string }> {
  const parent = basename(dirname(sysfs))
  if (/^nvme[0-9]+$/.test(parent)) return { controller: `/dev/${parent}` }
  if (!/^nvme-subsys[0-9]+$/.test(parent)) return { cannot: notNvme() }
  const controllers = (await readdir(join(dirname(sysfs)))).filter((entry) => /^nvme[0-9]+$/.test(entry))
  if (controllers.length !== 1) return { cannot: severalControllers(controllers.length) }
  return { controller: `/dev/${controllers[0]}` }
}

/** Counts also namespaces that are not attached to a host; a drive without support for that has none. */
async function namespacesOf(controller: string, run: Run): Promise<number> {
  const all = await run(['nvme', 'list-ns', '--all', controller], { timeoutMs: askMs })
  const text = all.code === 0 ? all.stdout : await ask(run, ['nvme', 'list-ns', controller])
  return text.split('\n').filter((line) => /^\[\s*[0-9]+\]:/.test(line)).length
}

async function ask(run: Run, argv: readonly [string, ...string[]]): Promise<string> {
  return (await runOk(run, argv, { timeoutMs: askMs })).stdout
}
