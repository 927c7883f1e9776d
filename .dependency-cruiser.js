import { basename, dirname } from 'node:path'

/*
 * This table says which room may import which. A room is a folder without its subfolders, or one file: what others use
 * without the rest of its folder, or what starts the rest. Files of a room may always import each other. An import that
 * the table does not allow is an error, and so is a circle of files, even if it has only types, and a circle in the table.
 */
/** Every tool of a host may import these, in addition to its neighbours. */
const port = ['src/agent/port', 'src/daemon', 'src/model']

export const rooms = {
  // Documents are made of these; all others import `src/model` as a whole.
  'src/model/fields.ts': [],
  'src/model/names.ts': [],
  'src/model/tolerant.ts': [],
  'src/model/documents': ['src/model/fields.ts', 'src/model/names.ts', 'src/model/tolerant.ts'],
  'src/model': ['src/model/documents', 'src/model/names.ts'],
  'src/daemon': ['src/model'],
  'src/store': ['src/daemon', 'src/model'],

  // What the agent asks of a host, and the steps that it orders.
  'src/agent/port': ['src/model'],
  'src/agent/plan': ['src/agent/port', 'src/agent/plan/dataplane', 'src/model'],
  'src/agent/plan/dataplane': ['src/agent/plan/dataplane/direct', 'src/agent/plan/dataplane/glusterd', 'src/model'],
  'src/agent/plan/dataplane/direct': ['src/agent/port', 'src/model'],
  'src/agent/plan/dataplane/glusterd': ['src/agent/port', 'src/model'],
  'src/agent/reconcile': ['src/agent/plan', 'src/agent/port', 'src/daemon', 'src/model', 'src/store'],
  'src/agent/host/exec': [],
  'src/agent/host/nftables': ['src/agent/host/exec', ...port],
  'src/agent/host/disk': ['src/agent/host/exec', 'src/agent/plan', ...port],
  'src/agent/host/client': [
    'src/agent/host/dataplane/dataPlane.ts',
    'src/agent/host/disk',
    'src/agent/host/exec',
    'src/agent/plan/dataplane',
    ...port,
  ],
  // What serves bricks and mounts buffers: a room for each data plane behind the interface dataPlane.ts.
  'src/agent/host/dataplane/dataPlane.ts': ['src/agent/host/exec', ...port],
  'src/agent/host/dataplane': [
    'src/agent/host/dataplane/dataPlane.ts',
    'src/agent/host/dataplane/direct',
    'src/agent/host/dataplane/glusterd',
    'src/agent/host/exec',
    ...port,
  ],
  // What the clients of both keep.
  'src/agent/host/dataplane/common': [],
  'src/agent/host/dataplane/glusterd/settings.ts': ['src/daemon'],
  'src/agent/host/dataplane/glusterd': [
    'src/agent/host/dataplane/common',
    'src/agent/host/dataplane/glusterd/settings.ts',
    'src/agent/host/dataplane/dataPlane.ts',
    'src/agent/host/exec',
    'src/agent/host/nftables',
    ...port,
  ],
  'src/agent/host/dataplane/direct': [
    'src/agent/host/dataplane/common',
    'src/agent/host/dataplane/dataPlane.ts',
    'src/agent/host/exec',
    'src/agent/host/nftables',
    'src/agent/plan/dataplane/direct',
    ...port,
  ],
  'src/agent/host/staging/priority.ts': [],
  'src/agent/host/staging/limits.ts': ['src/model'],
  'src/agent/host/staging': [
    'src/agent/host/client',
    'src/agent/host/disk',
    'src/agent/host/exec',
    'src/agent/host/staging/limits.ts',
    'src/agent/host/staging/priority.ts',
    ...port,
  ],
  'src/agent/host/staging/scan': ['src/agent/host/staging', ...port],
  'src/agent/host/staging/copy': ['src/agent/host/staging', 'src/agent/host/staging/limits.ts', ...port],
  'src/agent/host/staging/index.ts': [
    'src/agent/host/exec',
    'src/agent/host/staging',
    'src/agent/host/staging/copy',
    'src/agent/host/staging/limits.ts',
    'src/agent/host/staging/priority.ts',
    'src/agent/host/staging/scan',
    ...port,
  ],
  'src/agent/host': [
    'src/agent/host/client',
    'src/agent/host/dataplane',
    'src/agent/host/disk',
    'src/agent/host/exec',
    'src/agent/host/staging/index.ts',
    'src/agent/host/staging/limits.ts',
    'src/agent/host/staging/priority.ts',
    ...port,
  ],
  'src/agent': [
    'src/agent/port',
    'src/agent/host/staging/limits.ts',
    'src/agent/host/staging/priority.ts',
    'src/agent/host',
    'src/agent/host/dataplane',
    'src/agent/host/dataplane/direct/settings.ts',
    'src/agent/host/dataplane/glusterd/settings.ts',
    'src/agent/host/disk',
    'src/agent/host/exec',
    'src/agent/plan/dataplane',
    'src/agent/reconcile',
    'src/daemon',
    'src/model',
    'src/store',
  ],

  // The road of a request: slurm or operators → admission → placement → desired → commit; all of them read cluster.
  'src/scheduler/config.ts': ['src/daemon', 'src/model'],
  'src/scheduler/cluster': ['src/scheduler/config.ts', 'src/daemon', 'src/model', 'src/store'],
  'src/scheduler/commit': ['src/scheduler/cluster', 'src/daemon', 'src/model', 'src/store'],
  'src/scheduler/placement': ['src/scheduler/cluster', 'src/scheduler/commit', 'src/daemon', 'src/model'],
  // What buffers are made with: a room for each data plane behind the interface in common. Others know the index alone.
  'src/scheduler/dataplane': [
    'src/scheduler/dataplane/common',
    'src/scheduler/dataplane/direct',
    'src/scheduler/dataplane/glusterd',
    'src/model',
  ],
  'src/scheduler/dataplane/common': ['src/scheduler/config.ts', 'src/model'],
  'src/scheduler/dataplane/direct': ['src/scheduler/dataplane/common', 'src/model'],
  'src/scheduler/dataplane/glusterd': ['src/scheduler/dataplane/common', 'src/model'],
  'src/scheduler/admission': [
    'src/scheduler/config.ts',
    'src/scheduler/cluster',
    'src/scheduler/commit',
    'src/scheduler/dataplane',
    'src/scheduler/placement',
    'src/model',
  ],
  'src/scheduler/desired': [
    'src/scheduler/config.ts',
    'src/scheduler/commit',
    'src/scheduler/dataplane',
    'src/scheduler/placement',
    'src/model',
  ],
  'src/scheduler/spares': ['src/scheduler/config.ts', 'src/scheduler/cluster', 'src/scheduler/commit', 'src/model'],
  'src/scheduler/loop': [
    'src/scheduler/cluster',
    'src/scheduler/commit',
    'src/scheduler/desired',
    'src/scheduler/spares',
    'src/daemon',
    'src/model',
    'src/store',
  ],
  'src/scheduler/progress.ts': ['src/scheduler/admission', 'src/scheduler/desired', 'src/model'],
  'src/scheduler/users': ['src/scheduler/config.ts', 'src/daemon', 'src/model'],
  'src/scheduler/http': ['src/daemon', 'src/model'],
  'src/scheduler/slurm/script': ['src/model'],
  'src/scheduler/slurm/checks': [
    'src/scheduler/config.ts',
    'src/scheduler/cluster',
    'src/scheduler/placement',
    'src/scheduler/slurm/script',
    'src/scheduler/users',
    'src/model',
  ],
  'src/scheduler/slurm/functions': [
    'src/scheduler/config.ts',
    'src/scheduler/progress.ts',
    'src/scheduler/admission',
    'src/scheduler/cluster',
    'src/scheduler/commit',
    'src/scheduler/placement',
    'src/scheduler/slurm/checks',
    'src/scheduler/slurm/script',
    'src/scheduler/users',
    'src/daemon',
    'src/model',
    'src/store',
  ],
  'src/scheduler/slurm': [
    'src/scheduler/config.ts',
    'src/scheduler/cluster',
    'src/scheduler/http',
    'src/scheduler/slurm/functions',
    'src/daemon',
    'src/model',
  ],
  'src/scheduler/operators': [
    'src/scheduler/config.ts',
    'src/scheduler/progress.ts',
    'src/scheduler/admission',
    'src/scheduler/cluster',
    'src/scheduler/commit',
    'src/scheduler/dataplane',
    'src/scheduler/desired',
    'src/scheduler/http',
    'src/scheduler/placement',
    'src/scheduler/slurm/functions',
    'src/scheduler/slurm/script',
    'src/scheduler/users',
    'src/daemon',
    'src/model',
    'src/store',
  ],
  'src/scheduler': [
    'src/scheduler/config.ts',
    'src/scheduler/cluster',
    'src/scheduler/commit',
    'src/scheduler/http',
    'src/scheduler/loop',
    'src/scheduler/operators',
    'src/scheduler/placement',
    'src/scheduler/slurm',
    'src/scheduler/slurm/functions',
    'src/scheduler/users',
    'src/daemon',
    'src/model',
    'src/store',
  ],

  'src/cli/commands': ['src/cli', 'src/model'],
  'src/cli': ['src/model'],
  'src/cli/bbctl.ts': ['src/cli', 'src/cli/commands'],
  'src/simulated': ['src/agent/port', 'src/agent/host/disk', 'src/agent/plan', 'src/daemon', 'src/model'],
  'src/standalone': [
    'src/agent',
    'src/agent/port',
    'src/scheduler',
    'src/scheduler/config.ts',
    'src/scheduler/users',
    'src/simulated',
    'src/daemon',
    'src/model',
    'src/store',
  ],

  'lab/common': [],
  'lab/namespaces': ['lab/common'],
  'lab/containers': ['lab/common', 'src/agent/host/dataplane/glusterd', 'src/agent/host/exec'],
  lab: ['lab/common', 'lab/containers', 'lab/namespaces'],
  'lab/demo': ['lab/common', 'lab/containers', 'lab/namespaces'],
  bench: ['lab/common', 'lab/namespaces', 'src', 'test/support'],
  test: ['bench', 'lab/common', 'lab/containers', 'lab/demo', 'lab/namespaces', 'src'],
}

/**
 * The files of the folder itself, without the folders below it and the files that are rooms of their own. A room that is a
 * file has just that file.
 */
function filesOf(room) {
  if (room.endsWith('.ts')) return `^${room}$`
  const own = Object.keys(rooms)
    .filter((file) => file.endsWith('.ts') && dirname(file) === room)
    .map((file) => basename(file))
  return own.length === 0 ? `^${room}/[^/]+$` : `^${room}/(?!(${own.join('|')})$)[^/]+$`
}

/** Folders whose files and folders may import each other. */
const open = ['bench', 'test']
const placeOf = (room) => (open.includes(room) ? `^${room}/` : filesOf(room))
/** For others these are one room. */
const whole = ['src', 'src/model']
const targetOf = (room) => (whole.includes(room) ? `^${room}/` : placeOf(room))

/** The rooms on the way from a room back to itself, or undefined: no room may import what imports it. */
export function circleIn(table) {
  const passed = new Set()
  const from = (room, way) => {
    if (way.includes(room)) return [...way.slice(way.indexOf(room)), room]
    if (passed.has(room)) return undefined
    passed.add(room)
    return follow(table[room] ?? [], [...way, room])
  }
  const follow = (next, way) => {
    for (const room of next) {
      const circle = from(room, way)
      if (circle) return circle
    }
    return undefined
  }
  return follow(Object.keys(table), [])
}

const circle = circleIn(rooms)
if (circle) throw new Error(`the table of rooms has a circle: ${circle.join(' → ')}`)

export default {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: { path: '^(src|lab|bench)/' },
      to: { circular: true },
    },
    { name: 'no-room', severity: 'error', from: { path: '^src/', pathNot: Object.keys(rooms).map(placeOf) }, to: {} },
    ...Object.entries(rooms).map(([room, allowed]) => ({
      name: `only-allowed-from-${room.replaceAll('/', '-')}`,
      severity: 'error',
      from: { path: placeOf(room) },
      to: { path: '^(src|lab|bench|test)/', pathNot: [placeOf(room), ...allowed.map(targetOf)] },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|\\.lab)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.cjs', '.json'] },
  },
}
