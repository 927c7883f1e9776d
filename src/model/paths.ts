/*
 * Where buffers are mounted on compute nodes; the jobs' variables name the same places, ending in `/`. For a job's own buffer
 * the session's id makes the place new for each session, so that what hangs on a node from an earlier run of the same job
 * is in nobody's way. A persistent buffer has one place, on every node and for every job: the components of a heterogeneous
 * job are sessions of their own, and know the variables of the first alone. Where an agent of the first release lives, which
 * would take a shared mount off when one of its jobs ends, sessions that are set up keep a place of their own.
 */
interface PathOwner {
  token: string
  id: number
  sharedPaths?: true | undefined
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

/** A persistent buffer, for that session. No session's place is called `persistent`: it has a `.` behind its token. */
export function persistentPath(mountRoot: string, session: PathOwner, buffer: string): string {
  return `${session.sharedPaths ? mountRoot : sessionPath(mountRoot, session)}/persistent/${buffer}`
}

/** It is that directory, or lies below it. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`)
}
