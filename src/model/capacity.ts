import * as messages from './messages.js'

/*
 * Sizes as Slurm writes and reads them: an integer with an optional unit, upper or lower case. `K` and `KiB` are 1024
 * bytes, `KB` is 1000, and so on up to P. No decimals: Slurm itself reads 3.5TB as 3 bytes.
 */
const prefixes = ['K', 'M', 'G', 'T', 'P'] as const
const sizePattern = /^([0-9]+)(?:([KMGTP])(B|iB)?)?$/i

/** Bytes, or in `refused` what is wrong with the text and what to write instead. Sizes above 2^53 are refused. */
export function parseSize(text: string): { bytes: number } | { refused: string } {
  const matched = sizePattern.exec(text)
  if (!matched) return { refused: problemWithForm(text) }
  const [, digits, prefix, suffix] = matched
  const base = suffix?.toLowerCase() === 'b' ? 1000 : 1024
  const power = prefix ? prefixes.indexOf(prefix.toUpperCase() as (typeof prefixes)[number]) + 1 : 0
  const bytes = Number(digits) * base ** power
  if (bytes === 0) return { refused: messages.sizeZero(text) }
  if (!Number.isSafeInteger(bytes)) return { refused: messages.sizeTooLarge(text, printSize(largestBytes)) }
  return { bytes }
}

/** The largest whole PB below 2^53. */
const largestBytes = 9 * 1000 ** 5

/** With the largest unit that needs no decimals, decimal units first: 3 TB, 4 GiB, 1001 bytes. */
export function printSize(bytes: number): string {
  const units = [...prefixes].reverse().flatMap((prefix) => {
    const power = prefixes.indexOf(prefix) + 1
    return [
      { name: `${prefix}B`, size: 1000 ** power },
      { name: `${prefix}iB`, size: 1024 ** power },
    ]
  })
  const unit = bytes > 0 ? units.find(({ size }) => bytes % size === 0) : undefined
  return unit ? `${bytes / unit.size} ${unit.name}` : `${bytes} bytes`
}

/** For people who watch progress: rounded to three digits and a decimal unit, as in 1.23 GB. `printSize` is exact. */
export function printRounded(bytes: number): string {
  const power = Math.min(prefixes.length, Math.floor(Math.log10(Math.max(bytes, 1)) / 3))
  if (power === 0) return `${bytes} bytes`
  return `${(bytes / 1000 ** power).toPrecision(3)} ${prefixes[power - 1]}B`
}

/** How many slots of `granularityBytes` hold so many bytes, rounded up. */
export function slotsFor(bytes: number, granularityBytes: number): number {
  return Math.ceil(bytes / granularityBytes)
}

function problemWithForm(text: string): string {
  const decimal = /^([0-9]*)[.,]([0-9]+)([KMGTP])(B|iB)?$/i.exec(text)
  if (decimal) return messages.sizeWithDecimals(text, withoutDecimals(decimal))
  if (/^-/.test(text)) return messages.sizeNegative(text)
  if (/^[0-9.]+e[+-]?[0-9]+$/i.test(text)) return messages.sizeWithExponent(text)
  return messages.sizeWithoutUnit(text)
}

/** 3.5TB → 3500GB, 3.5TiB → 3584GiB; 931.32GiB, which no smaller unit gives exactly, → 953672MiB, the next above. */
function withoutDecimals([, whole, fraction, prefix, suffix]: RegExpExecArray): string | undefined {
  const base = suffix?.toLowerCase() === 'b' ? 1000 : 1024
  const unit = prefixes.indexOf(prefix!.toUpperCase() as (typeof prefixes)[number])
  const count = Number(`${whole}.${fraction}`)
  if (unit === 0) return count > 0 ? `${Math.ceil(count)}${prefix}${suffix ?? ''}` : undefined
  const inUnit = (smaller: number) => count * base ** (unit - smaller)
  for (let smaller = unit - 1; smaller >= 0; smaller--) {
    // Digits after the third decimal are rounding errors of floating point.
    const exact = Number(inUnit(smaller).toFixed(3))
    if (Number.isSafeInteger(exact) && exact > 0) return `${exact}${prefixes[smaller]}${suffix ?? ''}`
  }
  const above = Math.ceil(inUnit(unit - 1))
  return Number.isSafeInteger(above) && above > 0 ? `${above}${prefixes[unit - 1]}${suffix ?? ''}` : undefined
}

/** Bytes that a buffer holds: those of its slots, also when fewer were requested. */
export function capacityOf({
  bricks,
  granularityBytes,
}: {
  bricks: readonly unknown[]
  granularityBytes: number
}): number {
  return bricks.length * granularityBytes
}
