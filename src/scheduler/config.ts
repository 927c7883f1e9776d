import { hostname } from 'node:os'
import { z } from 'zod'
import { ConfigError, readConfigFile } from '../daemon/configFile.js'
import { absolutePath, logConfig, mountRoot, schedulerEtcdConfig, sizeInBytes } from '../daemon/configSchemas.js'
import { parseFlags } from '../daemon/flags.js'
import { hostPattern } from '../model/hostPattern.js'
import { dataPlaneNames } from '../model/documents/direct.js'
import { wipeKinds } from '../model/documents/wipe.js'
import { clusterName, hostName, poolName } from '../model/names.js'

/** One buffer may bind all of them, in one transaction of etcd. */
const maxSpares = 20

const accountName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/, 'the name of a user or group')

const pool = z
  .strictObject({
    granularity: sizeInBytes,
    default: z.boolean().default(false),
    /** Who may create persistent buffers in it, if not everybody. */
    persistentUsers: z.array(accountName).optional(),
    persistentGroups: z.array(accountName).optional(),
    /** Removed: it is refused with the reason, so that nobody assumes that it still works. */
    privateShard: z
      .never('privateShard was removed, because files cut into shards were damaged: delete this line')
      .optional(),
    /** What serves new buffers. */
    dataPlane: z.enum(dataPlaneNames).default('glusterd'),
    /** Whether what passes between bricks and clients is encrypted, and both show certificates. */
    tls: z.boolean().default(false),
    /** So many bricks are made ahead, while nobody waits for devices. */
    spares: z.int().min(0).max(maxSpares).default(0),
    /** How the devices of new buffers are wiped when they are returned. */
    wipe: z.enum(wipeKinds).default('discard'),
  })
  .refine(({ tls, dataPlane }) => !tls || dataPlane === 'direct', {
    path: ['tls'],
    message: 'expected `dataPlane: direct` beside `tls: true`: glusterd has one setting of TLS for all its volumes',
  })
  .transform(({ granularity, default: isDefault, dataPlane, tls, wipe, spares, ...rest }) => ({
    granularityBytes: granularity,
    isDefault,
    ...(dataPlane === 'glusterd' ? {} : { dataPlane }),
    ...(tls ? { tls } : {}),
    ...(wipe === 'discard' ? {} : { wipe }),
    ...(spares === 0 ? {} : { spares }),
    ...rest,
  }))
export type PoolConfig = z.infer<typeof pool>

const pools = z
  .record(poolName, pool)
  .refine((pools) => Object.keys(pools).length > 0, 'expected at least one pool')
  .refine((pools) => Object.values(pools).filter(({ isDefault }) => isDefault).length <= 1, {
    message: 'expected `default: true` at one pool at most',
  })
  // Exactly one pool is used for requests without a pool.
  .transform((pools) => {
    const names = Object.keys(pools)
    return names.length === 1 ? { [names[0]!]: { ...pools[names[0]!]!, isDefault: true } } : pools
  })

const clientAddress = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.:-]{0,62}(\/[0-9]{1,3})?$/, {
  message: 'expected a host name, an address, or a network as in 10.1.0.0/16',
})

const seconds = z.int().positive().max(86_400)

/** etc/scheduler.yaml explains every key; the defaults are only here. */
export const schedulerConfig = z.strictObject({
  /** Recorded in etcd, so that two clusters never share one etcd. */
  cluster: clusterName,
  host: hostName.default(() => hostname().split('.')[0]!),
  etcd: schedulerEtcdConfig,
  socket: absolutePath.default('/run/burstbuffer/scheduler.sock'),
  pools,
  /** Who may be a storage host: names, or globs with * and ?. What other hosts report as one is ignored, and shown. */
  storageHosts: z.array(hostPattern).min(1).max(10_000),
  /** Directory on compute nodes below which buffers are mounted; the agents' setting must be the same. */
  mountRoot,
  /** Machines from which operators may mount every buffer by hand: names, addresses, or networks. */
  adminClients: z.array(clientAddress).default([]),
  /** Allowed instead of a job's nodes when these are too many to be listed. */
  computeNetworks: z.array(clientAddress).default([]),
  /** Whether jobs may ask for swap on a buffer: docs/operating.md says why not. */
  swap: z.boolean().default(false),
  /** How long a call waits before it answers what it still waits for: below slurmctld's own timeout of that call. */
  waitSeconds: z
    .strictObject({
      setup: seconds.default(240),
      /** Slurm's own limit is a thousand OtherTimeouts: the job's nodes wait for that time. */
      preRun: seconds.default(600),
      /** Instead of preRun, for a job whose fan-out runs first. */
      fill: seconds.default(3_600),
      postRun: seconds.default(240),
      teardown: seconds.default(240),
      stageIn: seconds.default(86_000),
      stageOut: seconds.default(86_000),
    })
    .prefault({}),
  /** A storage host that is away for longer is lost: bricks that are being formed there are placed elsewhere. */
  hostGraceSeconds: seconds.default(30),
  log: logConfig,
})
export type SchedulerConfig = z.infer<typeof schedulerConfig>

export const usage = `burstbuffer-scheduler: places buffers, writes the desired state of every host into etcd, and answers Slurm and bbctl

  --config FILE     configuration file (default /etc/burstbuffer/scheduler.yaml)
  --socket PATH     replaces socket in the file
  --etcd URL,URL    replaces etcd.endpoints in the file
  --help            show this text
`

/** Reads the file; options replace its settings. The ConfigError names the file or option, the key, the value and what was expected. */
export function readSchedulerConfig(argv: string[]): SchedulerConfig {
  const values = parseFlags(argv, ['config', 'socket', 'etcd'], usage)
  const config = readConfigFile(values.config ?? '/etc/burstbuffer/scheduler.yaml', schedulerConfig)
  const socket = values.socket === undefined ? config.socket : flag('socket', absolutePath, values.socket)
  const endpoints = values.etcd?.split(',')
  const etcd = endpoints ? flag('etcd', schedulerEtcdConfig, { ...config.etcd, endpoints }) : config.etcd
  return { ...config, socket, etcd }
}

function flag<T>(name: string, schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new ConfigError(parsed.error.issues.map((issue) => `flag --${name}: ${issue.message}`).join('\n'))
}
