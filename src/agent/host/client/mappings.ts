import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { Refusal } from '../../port/host.js'
import { type Run, runOk } from '../exec/run.js'

/*
 * dm-crypt between a loop device and the swap on it, in its plain form: the key is random, is read by cryptsetup alone, and is gone
 * with the mapping. A mapping has the name of its loop device, which it holds, so that a loop device has one at most.
 *
 * INVARIANT: no mapping is closed but one that has the name of a loop device of ours (`mappingName`).
 */
const commandMs = 30_000
const plainCrypt = ['--type=plain', '--cipher=aes-xts-plain64', '--key-size=512', '--key-file=/dev/urandom'] as const

export interface Mapping {
  name: string
  /** As the kernel calls it, `dm-3`. */
  kernelName: string
  /** It encrypts the loop device; not so what a cryptsetup that was killed has left. */
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
 * Why this node cannot encrypt; undefined when nothing speaks against it. Whether its device mapper knows dm-crypt
 * shows when it is asked for: its module may load then.
 */
export async function whyNotEncrypted(run: Run): Promise<string | undefined> {
  const remedy = 'install cryptsetup-bin and load dm-crypt, or allow swap in clear (swap.plaintext in agent.yaml)'
  for (const [argv, lacks] of [
    [['cryptsetup', '--version'], 'cryptsetup is not installed'],
    [['dmsetup', 'version'], 'the kernel has no device mapper'],
  ] as const) {
    const works = await run(argv, { timeoutMs: commandMs }).then(
      ({ code }) => code === 0,
      () => false,
    )
    if (!works) return `this node cannot encrypt swap: ${lacks}; ${remedy}`
  }
  return undefined
}

/**
 * Makes the mapping, with a key that nobody keeps, in place of one that was begun and is not in use. Throws Refusal
 * when the kernel refuses it, CommandError when cryptsetup hangs.
 */
export async function openMapping(loop: string, run: Run): Promise<void> {
  // What was begun by an agent that was killed: before it has a table, newer kernels show it nowhere. One that is in use stays.
  await run(['dmsetup', 'remove', '--', mappingName(loop)], { timeoutMs: commandMs })
  const argv = ['cryptsetup', 'open', '--batch-mode', ...plainCrypt, '--', loop, mappingName(loop)] as const
  const { code, stderr } = await run(argv, { timeoutMs: commandMs })
  if (code !== 0) throw new Refusal(`the kernel of this node refuses to encrypt swap on ${loop}: ${stderr.trim()}`)
}

/** Takes the mapping off. Throws CommandError when it is in use, or not there. */
export async function closeMapping(loop: string, run: Run): Promise<void> {
  await runOk(run, ['dmsetup', 'remove', '--retry', '--', mappingName(loop)], { timeoutMs: commandMs })
}
