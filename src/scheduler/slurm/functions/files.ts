import { open } from 'node:fs/promises'
import { hostName } from '../../../model/names.js'
import { noDirectives, parseDirectives } from '../script/directives.js'
import type { Directives } from '../script/directivesType.js'
import { readHead } from '../script/scriptHead.js'
import type { Arguments } from './arguments.js'
import * as messages from './messages.js'
import { SlurmFailure } from './slurmFailure.js'

/** The head of the job's script, if the call names one. */
export async function readScript({ job }: Arguments): Promise<Buffer | undefined> {
  if (job === undefined) return undefined
  const head = await readHead(job).catch((error: NodeJS.ErrnoException) => {
    throw new SlurmFailure(messages.scriptUnreadable(job, error.code))
  })
  if ('refused' in head) throw new SlurmFailure(head.refused)
  return head
}

export function directivesOf(script: Buffer | undefined): Directives {
  const directives = script ? parseDirectives(script) : noDirectives()
  if ('refused' in directives) throw new SlurmFailure(directives.refused)
  return directives
}

export async function readNodes(file: string): Promise<string[]> {
  const nodes = (await readBounded(file))
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const wrong = nodes.find((node) => !hostName.safeParse(node).success)
  if (wrong !== undefined) throw new SlurmFailure(messages.invalidNode(wrong))
  return nodes
}

const maxFileBytes = 4 * 1024 * 1024

/** Reads a node file that slurmctld wrote: a regular file of bounded size. */
async function readBounded(path: string): Promise<string> {
  let handle
  try {
    handle = await open(path, 'r')
  } catch (error) {
    throw new SlurmFailure(messages.nodeFileUnreadable(path, (error as NodeJS.ErrnoException).code))
  }
  try {
    const { size } = await handle.stat().then((status) => (status.isFile() ? status : { size: Infinity }))
    if (size > maxFileBytes) throw new SlurmFailure(messages.nodeFileTooLarge(path))
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}
