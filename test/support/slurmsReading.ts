/*
 * How Slurm's datawarp plugin reads a job script (22.05 to 26.11), written down a second time from what it does and not from
 * our parser: split at newlines, stop at the first line without `#`, join continued lines, then look for words anywhere
 * in a line. It refuses little, and reads on over what it does not know.
 */
export interface SlurmsReading {
  jobdw: { bytes: number; pool: string | undefined }[]
  swap: { count: number; pool: string | undefined }[]
  uses: (string | undefined)[]
  creates: { name: string | undefined; bytes: number; pool: string | undefined; access: string | undefined }[]
  destroys: (string | undefined)[]
}

export function slurmsReading(script: string): SlurmsReading {
  const reading: SlurmsReading = { jobdw: [], swap: [], uses: [], creates: [], destroys: [] }
  for (const line of joinedLines(script)) {
    const rest = withoutSpace(line.slice(3))
    const pool = valueOf(rest, 'pool=')
    const name = valueOf(rest, 'name=')
    if (line.startsWith('#BB')) {
      const access = valueOf(rest, 'access_mode=') ?? valueOf(rest, 'access=')
      if (rest.startsWith('create_persistent')) reading.creates.push({ name, bytes: sizeIn(rest), pool, access })
      else if (rest.startsWith('destroy_persistent')) reading.destroys.push(name)
    } else if (rest.startsWith('jobdw')) reading.jobdw.push({ bytes: sizeIn(rest), pool })
    else if (rest.startsWith('persistentdw')) reading.uses.push(name)
    else if (rest.startsWith('swap')) reading.swap.push({ count: number(withoutSpace(rest.slice(4))), pool })
  }
  return reading
}

/** The lines with #DW and #BB, continued ones as one. */
function joinedLines(script: string): string[] {
  const joined: string[] = []
  let goesOn = false
  let hadSpace = false
  for (const line of script.split('\0')[0]!.split('\n')) {
    if (line === '') continue
    if (!line.startsWith('#')) break
    const isDirective = line.startsWith('#DW') || line.startsWith('#BB')
    if (!isDirective) {
      goesOn = false
      continue
    }
    if (goesOn && joined.at(-1)!.slice(0, 3) !== line.slice(0, 3)) return []
    const text: string = goesOn ? (hadSpace ? withoutSpace(line.slice(3)) : line.slice(3)) : line
    const before = goesOn ? joined.pop()! : ''
    goesOn = text.endsWith('\\')
    hadSpace = isSpace((before + text).at(-2))
    joined.push(before + (goesOn ? text.slice(0, -1) : text))
  }
  return joined
}

/** Up to the next blank, and no other space ends it. */
function valueOf(line: string, key: string): string | undefined {
  const at = line.indexOf(key)
  return at < 0 ? undefined : line.slice(at + key.length).split(' ')[0]!
}

function sizeIn(line: string): number {
  const at = line.indexOf('capacity=')
  if (at < 0) return 0
  const text = withoutSpace(line.slice(at + 'capacity='.length))
  const digits = /^\+?([0-9]*)/.exec(text)!
  const unit = text.slice(digits[0].length).split(' ')[0]!.toLowerCase()
  return Number(digits[1]) * (unitBytes(unit) ?? 1)
}

/** Undefined for what is no unit, which Slurm passes by. */
function unitBytes(unit: string): number | undefined {
  const power = 'kmgtp'.indexOf(unit.charAt(0)) + 1
  if (unit === '' || power === 0) return undefined
  if (unit.length === 1 || unit.slice(1) === 'ib') return 1024 ** power
  return unit.slice(1) === 'b' ? 1000 ** power : undefined
}

function number(text: string): number {
  return Number(/^\+?([0-9]*)/.exec(text)![1])
}

function isSpace(character: string | undefined): boolean {
  return character !== undefined && ' \t\n\v\f\r'.includes(character)
}

function withoutSpace(text: string): string {
  let start = 0
  while (isSpace(text[start])) start++
  return text.slice(start)
}
