/*
 * Where a session's buffers are mounted on its compute nodes; the job's variables name the same places, ending in `/`. The
 * session's id makes the place new for each session, so that what hangs on a node from an earlier run of the same job is
 * in nobody's way.
 */
interface PathOwner {
  token: string
  id: number
}

export function sessionPath(mountRoot: string, { token, id }: PathOwner): string {
  return `${mountRoot}/${token}.${id}`
}

/** A job's own buffer. */
export function stripedPath(mountRoot: string, session: PathOwner): string {
  return `${sessionPath(mountRoot, session)}/striped`
}

/** The node's own namespace in a job's own buffer. */
export function privatePath(mountRoot: string, session: PathOwner): string {
  return `${sessionPath(mountRoot, session)}/private`
}

/** What holds the node's swap file; no user reaches it. */
export function swapPath(mountRoot: string, session: PathOwner): string {
  return `${sessionPath(mountRoot, session)}/swap`
}

/** A persistent buffer, for that session. */
export function persistentPath(mountRoot: string, session: PathOwner, buffer: string): string {
  return `${sessionPath(mountRoot, session)}/persistent/${buffer}`
}

/** It is that directory, or lies below it. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`)
}
