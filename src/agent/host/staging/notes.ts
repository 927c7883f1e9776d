import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { dirname } from 'node:path'
import type { z } from 'zod'
import type { DesiredTransfer } from '../../../model/documents/transfer.js'
import { Refusal } from '../../port/host.js'
import { userErrorIn } from './errors.js'
import { transferPathsOf } from './paths.js'
import { fileTooLong, noteForged, noteInvalid, notesUnprotected, notOwnDirectory } from './messages.js'
import type { AsUser } from './user.js'

/*
 * The notes and lists of one attempt. Other users may write in the folder of the work directory, and at any moment
 * replace it with a directory of their own. So each note ends with a code over its name and content, made with the
 * attempt's key, which hosts know and users do not; a note with a wrong code is refused. The agent reads and checks a
 * list, and gives it to programs on their standard input, never by its path.
 *
 * A scheduler of an earlier release gives no key. Then notes are trusted only where no other user can replace them.
 */
export interface Notes {
  /**
   * The note, checked against the schema; undefined when it does not exist. Throws Refusal when this attempt did not
   * write it.
   */
  read<T>(name: string, schema: z.ZodType<T>): Promise<T | undefined>
  /** Replaces the note, completely or not at all. May be repeated. */
  write(name: string, note: object): Promise<void>
  /**
   * The list byte for byte, without its code; undefined when it does not exist. Throws Refusal when this attempt did
   * not write it.
   */
  readList(name: string): Promise<Buffer | undefined>
  /**
   * Writes into a directory that gets its name when it is complete: may leave a part behind. Throws when the file
   * exists.
   */
  draftList(name: string, list: Buffer): Promise<void>
  /** The same for a note. */
  draft(name: string, note: object): Promise<void>
}

/** Twice a list of 2,000 names of 4,096 bytes. */
const maxNoteBytes = 16 * 1024 * 1024
const codeLength = 64

/**
 * The notes of this attempt, which need not exist yet. Throws Refusal unless only the user may enter their
 * directories.
 */
export async function openNotes(user: AsUser, transfer: DesiredTransfer): Promise<Notes> {
  const { notesRoot, notesDirectory } = transferPathsOf(transfer)
  await requireOwn(user, transfer, [notesRoot, notesDirectory])
  return notesIn(user, transfer, notesDirectory)
}

/**
 * Notes in a directory that was just made, and is not checked. `noteKey` seals them; without a key they have no
 * code.
 */
export function notesIn(user: AsUser, { noteKey }: Pick<DesiredTransfer, 'noteKey'>, directory: string): Notes {
  const seal = (name: string, content: Buffer) =>
    noteKey === undefined ? content : Buffer.concat([content, Buffer.from(codeOf(noteKey, name, content))])
  const open = (name: string, bytes: Buffer) => {
    if (noteKey === undefined) return bytes
    const content = bytes.subarray(0, -codeLength)
    const [told, right] = [bytes.subarray(-codeLength), Buffer.from(codeOf(noteKey, name, content))]
    if (told.length === right.length && timingSafeEqual(told, right)) return content
    throw new Refusal(noteForged(`${directory}/${name}`))
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
        throw new Refusal(noteInvalid(`${directory}/${name}`), { cause })
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

/** Refuses, unless each is a directory of the user's that nobody else may enter. Checked as the user. */
async function requireOwn(user: AsUser, transfer: DesiredTransfer, directories: readonly string[]): Promise<void> {
  for (const directory of directories) {
    const found = await lookAtDirectory(user, directory)
    if (!found) return
    // An earlier release created them with mode 0755, and wrote no codes.
    const forbidden = transfer.noteKey === undefined ? 0o022 : 0o077
    if (found.kind !== 'directory' || found.uid !== transfer.uid || (found.mode & forbidden) !== 0) {
      throw new Refusal(notOwnDirectory(directory))
    }
  }
  if (transfer.noteKey === undefined) await requireClosedFolder(user, transfer, dirname(directories[0]!))
}

/** Without a key: only the user and root may rename entries of that folder. */
async function requireClosedFolder(user: AsUser, { uid }: DesiredTransfer, folder: string): Promise<void> {
  const found = await lookAtDirectory(user, folder)
  if (!found) return
  const isOpen = (found.mode & 0o022) !== 0 && (found.mode & 0o1000) === 0
  if (!isOpen && [0, uid].includes(found.uid)) return
  throw new Error(notesUnprotected(folder))
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
 * The whole file, read as the user; undefined when it does not exist. A pipe in its place does not block. Throws
 * Refusal when it has `maxBytes` or more, or the user may not read it.
 */
export async function readBytes(user: AsUser, file: string, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  const flags = 'iflag=fullblock,nonblock,nofollow,count_bytes'
  const argv = ['dd', `if=${file}`, 'bs=64k', `count=${maxBytes}`, flags, 'status=none'] as const
  const { code, stderr } = await user.run(argv, { onOutput: (chunk) => void chunks.push(chunk) })
  const bytes = Buffer.concat(chunks)
  // A part of the file must not be taken for the whole.
  if (bytes.length >= maxBytes) throw new Refusal(fileTooLong(file, maxBytes))
  if (code === 0) return bytes
  if (/No such file or directory$/.test(stderr.trim())) return undefined
  const mistake = userErrorIn(stderr)
  throw mistake === undefined ? new Error(stderr) : new Refusal(mistake)
}

/** Creates the file as the user: never follows a link, never overwrites. Throws when the file exists. */
export async function writeNew(user: AsUser, file: string, bytes: Buffer): Promise<void> {
  await user.ok(['dd', `of=${file}`, 'bs=64k', 'iflag=fullblock', 'conv=excl', 'status=none'], { stdin: bytes })
}

/**
 * Appends to a file of the user's, and creates it when it does not exist. Must not be repeated after a failure: a part
 * may have been written.
 */
export async function appendBytes(user: AsUser, file: string, bytes: Buffer): Promise<void> {
  const add = ['oflag=append,nofollow', 'conv=notrunc']
  await user.ok(['dd', `of=${file}`, 'bs=64k', 'iflag=fullblock', ...add, 'status=none'], { stdin: bytes })
}
