/** Where a session's buffers are mounted on its compute nodes. The job's variables name the same places, ending in `/`. */
export function sessionMountPath(mountRoot: string, token: string): string {
  return `${mountRoot}/${token}`
}

/** A job's own buffer. */
export function stripedPath(mountRoot: string, token: string): string {
  return `${sessionMountPath(mountRoot, token)}/striped`
}

/** A persistent buffer, for that session. */
export function persistentPath(mountRoot: string, token: string, buffer: string): string {
  return `${sessionMountPath(mountRoot, token)}/persistent/${buffer}`
}
