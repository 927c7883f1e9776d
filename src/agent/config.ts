import { hostname } from 'node:os'
import { basename } from 'node:path'
import { z } from 'zod'
import { ConfigError, readConfigFile } from '../daemon/configFile.js'
import { absolutePath, etcdConfig, logConfig, mountRoot, sizeInBytes } from '../daemon/configSchemas.js'
import { brickRoot, transferRoot } from '../model/cluster.js'
import { roles } from '../model/documents/host.js'
import { parseFlags } from '../daemon/flags.js'
import { addresses } from '../model/fields.js'
import { clusterName, hostName, poolName } from '../model/names.js'
import { isWithin } from '../model/paths.js'
import { brickPortsNeedStorage, directSettings } from './host/dataplane/direct/settings.js'
import { containerNeedsStorage, filterNeedsCompute, dataPlaneSettings } from './host/dataplane/glusterd/settings.js'
import { globPattern } from './host/disk/discover.js'
import { belowStagePathsExpected, noMoreThanOfHost, pathOverlaps, storageExpected } from './messages.js'
import { usualLimits } from './host/staging/limits.js'
import { stagingPriorities } from './host/staging/priority.js'

/** Users must not stage from or to paths that lead to bricks, or to buffers that others stage to. */
const stagePath = [brickRoot, transferRoot].reduce(
  (path, root) => path.refine((path) => !isWithin(root, path) && !isWithin(path, root), pathOverlaps(root)),
  absolutePath,
)

/** A path of a device, or a glob in the last part of one. */
export const devicePattern = absolutePath.refine(isGlob, 'expected a path whose last part is a name or a glob')

const slots = z.int().min(1).max(64)
const stageLimit = { slots: slots.optional(), bytesPerSecond: sizeInBytes.optional() }

/** etc/agent.yaml explains every key; the defaults are only here. */
export const agentConfig = z
  .strictObject({
    /** Compared with the name of the cluster whose keys are in etcd. */
    cluster: clusterName.optional(),
    host: hostName.default(() => hostname().split('.')[0]!),
    roles: z.array(z.enum(roles)).min(1),
    etcd: etcdConfig,
    /** Names and addresses by which other hosts reach this one; its name when absent. */
    addresses: addresses.min(1).optional(),
    /** For each pool: paths and globs of whole devices. */
    pools: z.record(poolName, z.array(devicePattern).min(1)).default({}),
    /** Compute nodes mount buffers below it; the scheduler's setting must be the same. */
    mountRoot,
    /**
     * Processes that a job leaves in its mount: seconds from the failed unmount until SIGTERM, then until SIGKILL, then
     * until the scheduler stops waiting for this host.
     */
    leftovers: z
      .strictObject({
        graceSeconds: z.int().min(0).max(86_400).default(30),
        killSeconds: z.int().min(0).max(3_600).default(10),
        giveUpSeconds: z.int().min(0).max(86_400).default(60),
      })
      .prefault({}),
    /** Users may stage from and to paths below these; without any, this host stages nothing. */
    stagePaths: z.array(stagePath).default([]),
    /** CPU and IO priority of staging processes, compared with those that serve buffers. */
    stagingPriority: z.enum(stagingPriorities).default('low'),
    /** How much this host stages at once. */
    stageLimits: z
      .strictObject({
        host: z.strictObject({ ...stageLimit, slots: slots.default(usualLimits.host.slots) }).prefault({}),
        user: z.strictObject(stageLimit).default({}),
        paths: z.record(absolutePath, z.strictObject(stageLimit)).default({}),
      })
      .prefault({}),
    ...dataPlaneSettings,
    ...directSettings,
    /** Compute nodes: swap on a buffer may be in plain text. */
    swap: z.strictObject({ plaintext: z.boolean().default(false) }).default({ plaintext: false }),
    log: logConfig,
  })
  .refine(containerNeedsStorage.holds, containerNeedsStorage.error)
  .refine(({ stagePaths, roles }) => stagePaths.length === 0 || roles.includes('storage'), {
    path: ['roles'],
    message: storageExpected('stagePaths'),
  })
  .superRefine(({ stagePaths, stageLimits: { host, user, paths } }, { addIssue }) => {
    for (const path of Object.keys(paths)) {
      if (stagePaths.some((stagePath) => isWithin(path, stagePath))) continue
      addIssue({ code: 'custom', path: ['stageLimits', 'paths', path], message: belowStagePathsExpected() })
    }
    for (const [at, limit] of [
      [['user'], user] as const,
      ...Object.entries(paths).map(([path, limit]) => [['paths', path], limit] as const),
    ]) {
      if ((limit.slots ?? 0) <= host.slots) continue
      addIssue({ code: 'custom', path: ['stageLimits', ...at, 'slots'], message: noMoreThanOfHost(host.slots) })
    }
  })
  .refine(filterNeedsCompute.holds, filterNeedsCompute.error)
  .refine(brickPortsNeedStorage.holds, brickPortsNeedStorage.error)
export type AgentConfig = z.infer<typeof agentConfig>

export const usage = `burstbuffer-agent: applies to this host the desired state that the scheduler writes into etcd

  --config FILE     configuration file (default /etc/burstbuffer/agent.yaml)
  --host NAME       replaces host in the file
  --roles A,B       replaces roles in the file: storage, compute
  --etcd URL,URL    replaces etcd.endpoints in the file
  --help            show this text
`

/**
 * Reads the file; options replace its settings. The ConfigError names the file or option, the key, the value and what
 * was expected.
 */
export function readAgentConfig(argv: string[]): { config: AgentConfig; file: string; reread(): AgentConfig } {
  const values = parseFlags(argv, ['config', 'host', 'roles', 'etcd'], usage)
  const file = values.config ?? '/etc/burstbuffer/agent.yaml'
  const reread = () => {
    const config = readConfigFile(file, agentConfig)
    const flags = {
      ...(values.host === undefined ? {} : { host: values.host }),
      ...(values.roles === undefined ? {} : { roles: values.roles.split(',') }),
      ...(values.etcd === undefined ? {} : { etcd: { ...config.etcd, endpoints: values.etcd.split(',') } }),
    }
    const merged = agentConfig.safeParse({ ...config, ...flags })
    if (merged.success) return merged.data
    throw new ConfigError(
      merged.error.issues.map((issue) => `flag --${String(issue.path[0])}: ${issue.message}`).join('\n'),
    )
  }
  return { config: reread(), file, reread }
}

function isGlob(path: string): boolean {
  try {
    return globPattern(basename(path)) !== undefined
  } catch {
    return false
  }
}
