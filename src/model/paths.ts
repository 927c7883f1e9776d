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

/** The directory of a session on a compute node, below the agent's `mountRoot`: `<root>/<token>.<id>`. */
export function sessionPath(mountRoot: string, { token, id }: PathOwner): string {
  return `${mountRoot}/${token}.${id}`
}

/** Where a job's own buffer is mounted on a compute node. */
export function stripedPath(mountRoot: string, session: PathOwner): string {
  return `${sessionPath(mountRoot, session)}/striped`
}

/** Where a node's own namespace in a job's own buffer is mounted. */
export function privatePath(mountRoot: string, session: PathOwner): string {
  return `${sessionPath(mountRoot, session)}/private`
}

/** Where the directory with the node's swap file is mounted; no user reaches it. */
export function swapPath(mountRoot: string, session: PathOwner): string {
  return `${sessionPath(mountRoot, session)}/swap`
}

/**
 * Where a persistent buffer is mounted for that session. No session's place is called `persistent`: it has a `.` behind
 * its token.
 */
export function persistentPath(mountRoot: string, session: PathOwner, buffer: string): string {
  return `${session.sharedPaths ? mountRoot : sessionPath(mountRoot, session)}/persistent/${buffer}`
}

/** The path is that directory, or lies below it. Both are absolute and without `.` and `..`; links are not followed. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`)
}
