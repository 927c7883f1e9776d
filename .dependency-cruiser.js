/*
 * Which room may import which. A room is a folder; what stands in it may always import its own files.
 * An arrow that is not in the table is an error, and so is a circle of files, also one of types alone.
 */
const rooms = {
  'src/model': [],
  'src/daemon': ['src/model'],
  'src/store': ['src/daemon', 'src/model'],
  'src/agent/plan': ['src/agent', 'src/model'],
  'src/agent/host': ['src/agent', 'src/agent/host/transfer', 'src/agent/plan', 'src/daemon', 'src/model'],
  'src/agent/host/transfer': ['src/agent', 'src/agent/host', 'src/agent/plan', 'src/daemon', 'src/model'],
  'src/agent': ['src/agent/host', 'src/agent/plan', 'src/daemon', 'src/model', 'src/store'],
  'src/scheduler/next': ['src/scheduler', 'src/scheduler/admit', 'src/model'],
  'src/scheduler/admit': ['src/scheduler', 'src/scheduler/next', 'src/model'],
  'src/scheduler/slurm': ['src/scheduler', 'src/daemon', 'src/model', 'src/store'],
  'src/scheduler/api': ['src/scheduler', 'src/scheduler/slurm', 'src/daemon', 'src/model'],
  'src/scheduler': [
    'src/scheduler/admit',
    'src/scheduler/api',
    'src/scheduler/next',
    'src/scheduler/slurm',
    'src/daemon',
    'src/model',
    'src/store',
  ],
  'src/cli/commands': ['src/cli', 'src/model'],
  'src/cli': ['src/cli/commands', 'src/model'],
  'src/standalone': [
    'src/agent',
    'src/agent/host',
    'src/agent/plan',
    'src/scheduler',
    'src/daemon',
    'src/model',
    'src/store',
  ],
  lab: ['lab/docker'],
  'lab/docker': ['lab', 'src/agent/host'],
  'lab/demo': ['lab'],
  bench: ['lab', 'src', 'test/support'],
  test: ['bench', 'lab', 'lab/demo', 'lab/docker', 'src'],
}

/** Files of that folder itself, not of the folders below it. */
const filesOf = (folder) => `^${folder}/[^/]+$`
/** Rooms without walls of their own inside. */
const open = ['bench', 'test', 'src']
const placeOf = (folder) => (open.includes(folder) ? `^${folder}/` : filesOf(folder))

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
      to: { path: '^(src|lab|bench|test)/', pathNot: [room, ...allowed].map(placeOf) },
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
