import { destinationFull } from './messages.js'

/*
 * The texts of system errors, and what each means for a transfer when a program that runs as the user fails with it.
 *
 *   user   ends the attempt: a retry does not help; the user or an operator of the file system can fix it
 *   host   is tried again: the volume, the file system or this host is unavailable or overloaded
 *
 * An error that is not listed is tried again. Source of the texts: errno(3), as glibc prints them in the C locale.
 */
const meaning = {
  'No such file or directory': 'user', // ENOENT
  'Operation not permitted': 'user', // EPERM
  'Permission denied': 'user', // EACCES
  'File exists': 'user', // EEXIST
  'Not a directory': 'user', // ENOTDIR
  'Is a directory': 'user', // EISDIR
  'Directory not empty': 'user', // ENOTEMPTY
  'Too many levels of symbolic links': 'user', // ELOOP
  'File name too long': 'user', // ENAMETOOLONG
  'Argument list too long': 'user', // E2BIG
  'File too large': 'user', // EFBIG
  'Too many links': 'user', // EMLINK
  'No space left on device': 'user', // ENOSPC
  'Disk quota exceeded': 'user', // EDQUOT
  'Read-only file system': 'user', // EROFS
  'No such device or address': 'user', // ENXIO: a pipe or socket where a file is meant
  'Input/output error': 'host', // EIO
  'Transport endpoint is not connected': 'host', // ENOTCONN
  'Cannot send after transport endpoint shutdown': 'host', // ESHUTDOWN
  'Stale file handle': 'host', // ESTALE
  'Connection timed out': 'host', // ETIMEDOUT
  'Connection refused': 'host', // ECONNREFUSED
  'No route to host': 'host', // EHOSTUNREACH
  'Host is down': 'host', // EHOSTDOWN
  'Software caused connection abort': 'host', // ECONNABORTED
  'Resource temporarily unavailable': 'host', // EAGAIN
  'Cannot allocate memory': 'host', // ENOMEM
  'Too many open files': 'host', // EMFILE
  'Too many open files in system': 'host', // ENFILE
  'Interrupted system call': 'host', // EINTR
  'Device or resource busy': 'host', // EBUSY
  'No such device': 'host', // ENODEV
  'Structure needs cleaning': 'host', // EUCLEAN
} as const satisfies Record<string, 'user' | 'host'>

const isFull = new Set(['No space left on device', 'Disk quota exceeded'])

/** The line of a program's stderr with an error that only the user can fix; undefined when there is none. */
export function userErrorIn(stderr: string): string | undefined {
  const line = stderr.split('\n').find((line) => meaningOf(line)?.whose === 'user')
  if (line === undefined) return undefined
  return isFull.has(meaningOf(line)!.words) ? destinationFull(line.trim()) : line.trim()
}

/** A program's line ends with the text of the error; rsync adds the number of the error. */
function meaningOf(line: string): { words: string; whose: 'user' | 'host' } | undefined {
  const words = /: ([^:]+?)(?: \(\d+\))?$/.exec(line.trim())?.[1]
  return words !== undefined && Object.hasOwn(meaning, words)
    ? { words, whose: meaning[words as keyof typeof meaning] }
    : undefined
}
