/*
 * Where buffers are mounted on compute nodes; the jobs' variables name the same paths, ending in `/`. The path of a job's own buffer
 * contains the session's id, so that a mount that hangs from an earlier run of the job does no harm. A persistent buffer has one
 * path, on every node and for every job, because the components of a heterogeneous job are separate sessions and know only the
 * variables of the first. While an agent of the first release is alive, which would unmount a shared mount when one of its jobs
 * ends, new sessions have separate paths.
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

/** Where the directory with the node's swap file is mounted; users cannot reach it. */
export function swapPath(mountRoot: string, session: PathOwner): string {
  return `${sessionPath(mountRoot, session)}/swap`
}

/**
 * Where a persistent buffer is mounted for that session. No session's directory is called `persistent`: its name has a `.` after the
 * token.
 */
export function persistentPath(mountRoot: string, session: PathOwner, buffer: string): string {
  return `${session.sharedPaths ? mountRoot : sessionPath(mountRoot, session)}/persistent/${buffer}`
}

/** True when the path is that directory, or is below it. Both are absolute and without `.` and `..`; links are not followed. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`)
}
