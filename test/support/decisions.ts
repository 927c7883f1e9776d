import type { SchedulerConfig } from '../../src/scheduler/config.js'
import { schedulerConfig } from '../../src/scheduler/config.js'
import type { Decision, DocumentChange } from '../../src/scheduler/commit/decision.js'
import { pool, terabyte, uuids } from './builders.js'

/** One pool of 1 TB slots, everything else as it is when a configuration says nothing. */
export function aConfig(parts: Record<string, unknown> = {}): SchedulerConfig {
  return schedulerConfig.parse({
    cluster: 'test',
    host: 'head',
    etcd: { endpoints: ['http://127.0.0.1:2379'], insecure: true },
    pools: { [pool]: { granularity: terabyte } },
    storageHosts: ['gluster*'],
    log: {},
    ...parts,
  })
}

/** What a decision needs beside the cluster and the request: time 2000, uuids in order. */
export function deps(config = aConfig()) {
  return { config, now: 2000, newUuid: uuids() }
}

/** Why it was refused; throws for a decision that was not. */
export function refusalOf(decision: Decision<unknown>): string {
  if ('refused' in decision) return decision.refused
  throw new Error(`not refused: ${JSON.stringify(decision)}`)
}

/** The changes as sentences; throws for a refusal. */
export function changesOf(decision: Decision<unknown>): string[] {
  if ('refused' in decision) throw new Error(decision.refused)
  return decision.changes.map(describeChange)
}

export function describeChange(change: DocumentChange): string {
  switch (change.kind) {
    case 'lastId':
      return `last id ${change.lastId}`
    case 'cordon':
      return `${change.document ? `${change.document.kind} cordon on` : 'no cordon on'} ${[change.host, change.device].filter(Boolean).join('/')}`
    case 'adopt':
      return `${change.document ? 'adopt' : 'adopt no more'} ${change.host}/${change.device}`
    case 'brick':
      return `${change.document ? `spare ${change.document.wanted}` : 'no spare'} on ${change.host}/${change.device}`
    case 'session':
      return change.document ? `session ${change.name} ${change.document.stage}` : `no session ${change.name}`
    case 'buffer': {
      if (!change.document) return `no buffer ${change.name}`
      const { bricks, wanted } = change.document
      return `buffer ${change.name} ${wanted} on ${bricks.map(({ host, device }) => `${host}/${device}`).join(', ')}`
    }
  }
}
