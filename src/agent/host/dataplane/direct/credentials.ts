import { X509Certificate } from 'node:crypto'
import { readFile, rename } from 'node:fs/promises'
import type { Credential } from '../../../../model/documents/direct.js'
import { Unavailable } from '../../../port/host.js'
import { type ProcessFiles, writeSecret } from './files.js'
import { certificateNotYetValid, certificateRanOut } from './messages.js'
import type { TlsFiles } from './types.js'

/*
 * The certificate and the key of a process, in files. GlusterFS reads them each time that it connects, and for each client that
 * connects to it (measured, 10.3): a process that runs goes on with a certificate that is put in the place of an older one, and
 * the files are there as long as the process. Both are in one file, so that they are replaced at once.
 */

/** How volfiles name them. */
export function tlsFilesOf({ credential, authority }: ProcessFiles): TlsFiles {
  return { certificate: credential, key: credential, authorities: authority }
}

/** Replaces what is there. May be repeated. */
export async function writeCredential(files: ProcessFiles, credential: Credential): Promise<void> {
  await replace(files.authority, credential.authority)
  await replace(files.credential, `${credential.certificate}${credential.key}`)
}

/**
 * What a process has is to be replaced: it is of an earlier time, or of a clock that was ahead, so that nobody believes it yet, or
 * it cannot be read. One of the same time stays, also when it is another session's that mounts at the same path.
 */
export async function isOutdated(
  { credential: path }: ProcessFiles,
  { certificate }: Credential,
  now: number,
): Promise<boolean> {
  const found = await readFile(path, 'utf8')
    .then((text) => new X509Certificate(text))
    .catch(() => undefined)
  if (found === undefined) return true
  const [shown, wanted] = [timesOf(found).from, timesOf(new X509Certificate(certificate)).from]
  return shown < wanted || (shown > now && shown !== wanted)
}

/** Why nobody would believe the certificate now; undefined when it is valid. `whose`: the volume, and what is done with it. */
export function whyNotValid({ certificate }: Credential, whose: string, now: number): string | undefined {
  const { from, to } = timesOf(new X509Certificate(certificate))
  if (now > to) return certificateRanOut(whose, to)
  return now < from ? certificateNotYetValid(whose, from) : undefined
}

/** Throws Unavailable when nobody would believe the certificate now. */
export function requireValid(credential: Credential, whose: string, now: number): void {
  const why = whyNotValid(credential, whose, now)
  if (why !== undefined) throw new Unavailable(why)
}

/** In unix seconds. */
function timesOf({ validFrom, validTo }: X509Certificate): { from: number; to: number } {
  return { from: Date.parse(validFrom) / 1000, to: Date.parse(validTo) / 1000 }
}

async function replace(path: string, text: string): Promise<void> {
  await writeSecret(`${path}.new`, text)
  await rename(`${path}.new`, path)
}
