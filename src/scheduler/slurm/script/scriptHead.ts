import { isUtf8 } from 'node:buffer'
import { open } from 'node:fs/promises'
import { quote } from '../../../model/names.js'
import * as messages from './messages.js'

/*
 * A job script as Slurm reads it: split with strtok at newlines, so that empty lines vanish. Slurm reads up to a NUL, or to the first
 * line that is not empty and does not begin with `#` (a line of blanks alone is such a line, and so is a carriage return). What
 * comes before is the head; no more of a script is read.
 */

/** By default Slurm accepts no larger script (max_script_size). */
const maxHeadBytes = 4 * 1024 * 1024
const chunkBytes = 64 * 1024

export const maxLineBytes = 8 * 1024
export const maxDirectiveLines = 200

/** A directive over all its lines, joined as Slurm joins them. */
export interface DirectiveLine {
  kind: '#DW' | '#BB'
  /** What follows the kind. */
  text: string
  /**
   * As a refusal shows it: its text, not its number, because Slurm puts the lines of --bb and --bbf into the script, so that the
   * user's own file has other line numbers.
   */
  shown: string
}

type Refused = { refused: string }

/** The head of a script file. Throws the errors of the file system. */
export async function readHead(path: string): Promise<Buffer | Refused> {
  const file = await open(path, 'r')
  try {
    if (!(await file.stat()).isFile()) return { refused: messages.scriptNotRegular(path) }
    const scan = new HeadScan()
    const chunks: Buffer[] = []
    for (let length = 0; length <= maxHeadBytes;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, length)
      const chunk = buffer.subarray(0, bytesRead)
      const end = scan.endIn(chunk)
      chunks.push(chunk.subarray(0, end))
      if (end !== undefined || bytesRead === 0) return Buffer.concat(chunks)
      length += bytesRead
    }
    return { refused: messages.headTooLong() }
  } finally {
    await file.close()
  }
}

const newline = 0x0a
const hash = 0x23

/** Finds the end of the head in a script that comes in chunks. */
class HeadScan {
  private isAtStart = true

  /** Where in this chunk the head ends; undefined while it goes on. */
  endIn(chunk: Uint8Array): number | undefined {
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]
      if (byte === 0 || (this.isAtStart && byte !== newline && byte !== hash)) return at
      this.isAtStart = byte === newline
    }
    return undefined
  }
}

/** The directives of a script, or of its head, and the folder of the job's output. */
export interface ScriptLines {
  directives: DirectiveLine[]
  /** Where `#SBATCH --output` puts the job's output, when it is an absolute path with no symbols left in its folder. */
  outputDirectory?: string
}

/** Reads the lines that begin with `#DW`, `#BB` or `#SBATCH`; every other comment is ignored. */
export function linesOfScript(script: Buffer): ScriptLines | Refused {
  const head = script.subarray(0, new HeadScan().endIn(script))
  const joiner = new Joiner()
  const output = new OutputSearch()
  for (let start = 0; start < head.length;) {
    let end = start
    while (end < head.length && head[end] !== newline) end++
    if (end > start) {
      const problem = joiner.take(head, start, end)
      if (problem !== undefined) return { refused: problem }
      output.take(head, start, end)
    }
    start = end + 1
  }
  const problem = joiner.end()
  if (problem !== undefined) return { refused: problem }
  return {
    directives: joiner.directives,
    ...(output.directory === undefined ? {} : { outputDirectory: output.directory }),
  }
}

const dw = Buffer.from('#DW')
const bb = Buffer.from('#BB')
/** What Slurm looks for after `#DW` or `#BB`, with or without a blank between. */
const slurmsVerbs = ['jobdw', 'persistentdw', 'swap', 'stage_', 'create_persistent', 'destroy_persistent']

/** Joins continued lines: a line that ends in a backslash continues in the next line that is not empty. */
class Joiner {
  readonly directives: DirectiveLine[] = []
  private open: { kind: '#DW' | '#BB'; text: string; endsInBlank: boolean } | undefined
  private taken = 0

  /** Takes a line that is not empty. Returns what is wrong with it, or undefined. */
  take(head: Buffer, start: number, end: number): string | undefined {
    const kind = startsWith(head, start, end, dw) ? '#DW' : startsWith(head, start, end, bb) ? '#BB' : undefined
    if (this.open && this.open.kind !== kind) return this.end()
    if (kind === undefined) return undefined
    if (++this.taken > maxDirectiveLines) return messages.tooManyDirectives(maxDirectiveLines)
    const bytes = head.subarray(start + 3, end)
    if (bytes.length > maxLineBytes)
      return inLine(kind, bytes.toString('latin1', 0, 200), messages.lineTooLong(maxLineBytes))
    const text = bytes.toString()
    if (!isUtf8(bytes)) return inLine(kind, text, messages.notUtf8())
    const problem = problemWithCharacters(text)
    if (problem !== undefined) return inLine(kind, text, problem)
    if (!this.open && !/^(?:[ \t]|$)/.test(text)) return this.withoutBlank(kind, text)
    return this.join(kind, text)
  }

  /** `#DWjobdw` is a directive for Slurm, `#DWARF` is a comment for both. */
  private withoutBlank(kind: '#DW' | '#BB', text: string): string | undefined {
    const isDirective = slurmsVerbs.some((verb) => text.startsWith(verb)) || text.endsWith('\\')
    return isDirective ? inLine(kind, text, messages.blankMissing(kind)) : undefined
  }

  private join(kind: '#DW' | '#BB', text: string): string | undefined {
    const { open } = this
    const joined = open ? open.text + (open.endsInBlank ? text.replace(/^[ \t]+/, '') : text) : text
    if (joined.length > maxLineBytes) return inLine(kind, joined, messages.continuedTooLong(maxLineBytes))
    if (joined.endsWith('\\')) {
      const start = joined.slice(0, -1)
      this.open = { kind, text: start, endsInBlank: /[ \t]$/.test(start.slice(-1)) }
      return undefined
    }
    this.open = undefined
    this.directives.push({ kind, text: joined, shown: shown(kind, joined) })
    return undefined
  }

  end(): string | undefined {
    if (!this.open) return undefined
    const { kind, text } = this.open
    return inLine(kind, `${text}\\`, messages.continuationMissing(kind))
  }
}

/** In JavaScript: a call into Node for each of a million comment lines would take too long. */
function startsWith(head: Buffer, start: number, end: number, word: Buffer): boolean {
  if (end - start < word.length) return false
  for (let index = 0; index < word.length; index++) if (head[start + index] !== word[index]) return false
  return true
}

function problemWithCharacters(text: string): string | undefined {
  if (text.includes('\r')) return messages.carriageReturn()
  if (/\\[ \t]+$/.test(text)) return messages.blankAfterBackslash()
  // eslint-disable-next-line no-control-regex
  if (/[\x00-\x08\x0b-\x1f\x7f]/.test(text)) return messages.controlCharacter()
  return undefined
}

function inLine(kind: string, text: string, problem: string): string {
  return messages.inLine(shown(kind, text), problem)
}

function shown(kind: string, text: string): string {
  return quote(`${kind}${text}`.trim()).slice(1, -1)
}

const sbatch = Buffer.from('#SBATCH')
/** Nobody writes more such lines; the folder is only needed for the place of a report. */
const maxSbatchLines = 1_000
const maxPathLength = 4_096

class OutputSearch {
  directory: string | undefined
  private isOver = false
  private seen = 0

  take(head: Buffer, start: number, end: number): void {
    if (this.isOver || end - start > maxLineBytes || !startsWith(head, start, end, sbatch)) return
    const line = head.toString('utf8', start, end)
    const path = /^#SBATCH[ \t]+(?:--output(?:=|[ \t]+)|-o[ \t]*)(\/[^ \t"']*)[ \t]*$/.exec(
      line.replace(/\r$/, ''),
    )?.[1]
    this.isOver = path !== undefined || ++this.seen >= maxSbatchLines
    if (path === undefined || path.length > maxPathLength) return
    const folder = path.slice(0, path.lastIndexOf('/')) || '/'
    const isPlain = !/[%\\]|\p{Cc}/u.test(folder) && !folder.split('/').some((part) => part === '.' || part === '..')
    if (isPlain) this.directory = folder
  }
}
