import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { dirname } from 'node:path'
import type { z } from 'zod'
import type { DesiredTransfer } from '../../../model/documents/transfer.js'
import { quote } from '../../../model/names.js'
import { Refusal } from '../../port.js'
import { userErrorIn } from './errors.js'
import { transferPathsOf } from './paths.js'
import type { AsUser } from './user.js'

/*
 * The notes and lists of one attempt. Others may write in the folder that the work directory lies in, and put a directory of their own in
 * its place, at whatever moment. So each note ends with a code made with the attempt's key, which hosts are told and no user sees, over
 * its name and its content; what does not fit is refused. A list is read and checked by the agent, and goes to programs through
 * their standard input, never by its path.
 *
 * A scheduler of an earlier release gives no key. Then the notes are believed only where nobody else may put anything in their place.
 */
export interface Notes {
  /**
   * The note, checked against the schema; undefined when it is not there. Throws Refusal when it was not written by
   * this attempt.
   */
  read<T>(name: string, schema: z.ZodType<T>): Promise<T | undefined>
  /** Whole or not at all, in place of what is there. May be repeated. */
  write(name: string, note: object): Promise<void>
  /**
   * The list byte for byte, without its code; undefined when it is not there. Throws Refusal when it was not written by
   * this attempt.
   */
  readList(name: string): Promise<Buffer | undefined>
  /** For a directory that gets its name when all is in it: not whole if cut short. Throws when the file exists. */
  draftList(name: string, list: Buffer): Promise<void>
  /** The same for a note. */
  draft(name: string, note: object): Promise<void>
}

/** A list of 2,000 names of 4,096 bytes, and as much again. */
const maxNoteBytes = 16 * 1024 * 1024
const codeLength = 64

/**
 * The notes of this attempt, which need not exist yet. Throws Refusal when one of their directories is not the user's
 * alone.
 */
export async function openNotes(user: AsUser, transfer: DesiredTransfer): Promise<Notes> {
  const { notesRoot, notesDirectory } = transferPathsOf(transfer)
  await requireOwn(user, transfer, [notesRoot, notesDirectory])
  return notesIn(user, transfer, notesDirectory)
}

/**
 * Notes in that directory, which nobody has looked at: for one that was just made. `noteKey` seals them; without one
 * they are as they are.
 */
export function notesIn(user: AsUser, { noteKey }: Pick<DesiredTransfer, 'noteKey'>, directory: string): Notes {
  const seal = (name: string, content: Buffer) =>
    noteKey === undefined ? content : Buffer.concat([content, Buffer.from(codeOf(noteKey, name, content))])
  const open = (name: string, bytes: Buffer) => {
    if (noteKey === undefined) return bytes
    const content = bytes.subarray(0, -codeLength)
    const [told, right] = [bytes.subarray(-codeLength), Buffer.from(codeOf(noteKey, name, content))]
    if (told.length === right.length && timingSafeEqual(told, right)) return content
    throw new Refusal(`${directory}/${name} was not written by this transfer: somebody else writes in that folder`)
  }
  const readList: Notes['readList'] = async (name) => {
    const bytes = await readBytes(user, `${directory}/${name}`, maxNoteBytes)
    return bytes && open(name, bytes)
  }
  const draftList: Notes['draftList'] = (name, list) => writeNew(user, `${directory}/${name}`, seal(name, list))
  return {
    readList,
    draftList,
    read: async (name, schema) => {
      const content = await readList(name)
      if (content === undefined) return undefined
      try {
        return schema.parse(JSON.parse(content.toString()))
      } catch (cause) {
        throw new Refusal(`${directory}/${name} is not what this agent writes: retry the transfer`, { cause })
      }
    },
    draft: (name, note) => draftList(name, Buffer.from(JSON.stringify(note))),
    write: async (name, note) => {
      const file = `${directory}/${name}`
      const fresh = `${file}.${randomBytes(8).toString('hex')}`
      await writeNew(user, fresh, seal(name, Buffer.from(JSON.stringify(note))))
      await user.ok(['mv', '--force', '--no-target-directory', '--', fresh, file])
    },
  }
}

function codeOf(key: string, name: string, content: Buffer): string {
  return createHmac('sha256', Buffer.from(key, 'base64url')).update(`${name}\0`).update(content).digest('hex')
}

/** As the user sees them: directories of the user's that nobody else may enter. */
async function requireOwn(user: AsUser, transfer: DesiredTransfer, directories: readonly string[]): Promise<void> {
  for (const directory of directories) {
    const found = await lookAtDirectory(user, directory)
    if (!found) return
    // An earlier release made them with 0755, and wrote no codes.
    const forbidden = transfer.noteKey === undefined ? 0o022 : 0o077
    if (found.kind !== 'directory' || found.uid !== transfer.uid || (found.mode & forbidden) !== 0) {
      throw new Refusal(`${directory} is not the directory that this transfer made for its notes: remove it`)
    }
  }
  if (transfer.noteKey === undefined) await requireClosedFolder(user, transfer, dirname(directories[0]!))
}

/** Without a key: no one but the user and root may rename what is in that folder. */
async function requireClosedFolder(user: AsUser, { uid }: DesiredTransfer, folder: string): Promise<void> {
  const found = await lookAtDirectory(user, folder)
  if (!found) return
  const isOpen = (found.mode & 0o022) !== 0 && (found.mode & 0o1000) === 0
  if (!isOpen && [0, uid].includes(found.uid)) return
  throw new Error(`others may write in ${quote(folder)}, and the scheduler is of a release that does not protect notes`)
}

async function lookAtDirectory(user: AsUser, path: string) {
  const { code, stdout, stderr } = await user.run(['stat', '--printf=%u %a %F', '--', path])
  const [, uid, mode, kind] = /^(\d+) (\d+) (.*)$/.exec(stdout.toString()) ?? []
  if (code === 0 && uid !== undefined) return { uid: Number(uid), mode: Number.parseInt(mode!, 8), kind }
  if (/: No such file or directory$/.test(stderr.trim())) return undefined
  const mistake = userErrorIn(stderr)
  throw mistake === undefined ? new Error(stderr) : new Refusal(mistake)
}

/**
 * The whole file, as the user; undefined when it is not there. A pipe in its place is not waited for. Throws Refusal
 * when it has `maxBytes` or more, or the user may not read it.
 */
export async function readBytes(user: AsUser, file: string, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  const flags = 'iflag=fullblock,nonblock,nofollow,count_bytes'
  const argv = ['dd', `if=${file}`, 'bs=64k', `count=${maxBytes}`, flags, 'status=none'] as const
  const { code, stderr } = await user.run(argv, { onOutput: (chunk) => void chunks.push(chunk) })
  const bytes = Buffer.concat(chunks)
  // What was cut short must not pass for the whole.
  if (bytes.length >= maxBytes) throw new Refusal(`${file} is too long: ${maxBytes} bytes are read at the most`)
  if (code === 0) return bytes
  if (/No such file or directory$/.test(stderr.trim())) return undefined
  const mistake = userErrorIn(stderr)
  throw mistake === undefined ? new Error(stderr) : new Refusal(mistake)
}

/** Makes the file, as the user: never through a link, and never over what is there. Throws when it exists. */
export async function writeNew(user: AsUser, file: string, bytes: Buffer): Promise<void> {
  await user.ok(['dd', `of=${file}`, 'bs=64k', 'iflag=fullblock', 'conv=excl', 'status=none'], { stdin: bytes })
}

/**
 * Adds to the end of a file of the user's, which is made when it is not there. Not to be repeated after a failure: a
 * part may be written.
 */
export async function appendBytes(user: AsUser, file: string, bytes: Buffer): Promise<void> {
  const add = ['oflag=append,nofollow', 'conv=notrunc']
  await user.ok(['dd', `of=${file}`, 'bs=64k', 'iflag=fullblock', ...add, 'status=none'], { stdin: bytes })
}
