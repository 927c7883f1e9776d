import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { Refusal } from '../../port/host.js'
import { type Run, runOk } from '../exec/run.js'
import { cannotEncrypt, encryptionRefused, noCryptsetup, noDeviceMapper } from './messages.js'

/*
 * dm-crypt between a loop device and the swap on it, in plain mode: the key is random, only cryptsetup reads it, and it
 * is gone with the mapping. A mapping is named after its loop device, which it holds, so that a loop device has at most
 * one.
 *
 * INVARIANT: only a mapping with the name of one of our loop devices is closed (`mappingName`).
 */
const commandMs = 30_000
const plainCrypt = ['--type=plain', '--cipher=aes-xts-plain64', '--key-size=512', '--key-file=/dev/urandom'] as const

export interface Mapping {
  name: string
  /** The kernel's name, as in `dm-3`. */
  kernelName: string
  /** It encrypts the loop device. False for the remains of a cryptsetup that was killed. */
  isWhole: boolean
}

/** The name of the mapping that encrypts swap on a loop device (`/dev/loop7`), as in `burstbuffer-swap-loop7`. */
export function mappingName(loop: string): string {
  return `burstbuffer-swap-${basename(loop)}`
}

/** Its path below /dev/mapper. */
export function mappingDevice(loop: string): string {
  return `/dev/mapper/${mappingName(loop)}`
}

/**
 * Our mapping on that loop device; undefined when there is none. `sys`: where sysfs is mounted. Source: sysfs,
 * sysfs-block-dm.
 */
export async function mappingOn(loop: string, sys = '/sys'): Promise<Mapping | undefined> {
  const name = mappingName(loop)
  for (const kernelName of (await readdir(`${sys}/block`)).filter((name) => /^dm-[0-9]+$/.test(name))) {
    const read = (file: string) =>
      readFile(`${sys}/block/${kernelName}/${file}`, 'utf8').then(
        (text) => text.trim(),
        () => '',
      )
    if ((await read('dm/name')) !== name) continue
    const below = await readdir(`${sys}/block/${kernelName}/slaves`).catch(() => [])
    if (below.some((device) => device !== basename(loop))) continue
    const isCrypt = (await read('dm/uuid')).startsWith('CRYPT-PLAIN-')
    return { name, kernelName, isWhole: isCrypt && below.length > 0 && Number(await read('size')) > 0 }
  }
  return undefined
}

/**
 * Why this node cannot encrypt; undefined when it seems able to. Whether its device mapper supports dm-crypt shows only
 * when a mapping is created, which may load the module.
 */
export async function whyNotEncrypted(run: Run): Promise<string | undefined> {
  for (const [argv, lacks] of [
    [['cryptsetup', '--version'], noCryptsetup()],
    [['dmsetup', 'version'], noDeviceMapper()],
  ] as const) {
    const works = await run(argv, { timeoutMs: commandMs }).then(
      ({ code }) => code === 0,
      () => false,
    )
    if (!works) return cannotEncrypt(lacks)
  }
  return undefined
}

/**
 * Creates the mapping, with a key that is stored nowhere, in place of an incomplete one that is not in use. Throws
 * Refusal when the kernel refuses it, CommandError when cryptsetup hangs.
 */
export async function openMapping(loop: string, run: Run): Promise<void> {
  // Remove the remains of an agent that was killed: newer kernels show a mapping without a table nowhere. A mapping in
  // use stays.
  await run(['dmsetup', 'remove', '--', mappingName(loop)], { timeoutMs: commandMs })
  const argv = ['cryptsetup', 'open', '--batch-mode', ...plainCrypt, '--', loop, mappingName(loop)] as const
  const { code, stderr } = await run(argv, { timeoutMs: commandMs })
  if (code !== 0) throw new Refusal(encryptionRefused(loop, stderr.trim()))
}

/** Removes the mapping. Throws CommandError when it is in use or does not exist. */
export async function closeMapping(loop: string, run: Run): Promise<void> {
  await runOk(run, ['dmsetup', 'remove', '--retry', '--', mappingName(loop)], { timeoutMs: commandMs })
}
