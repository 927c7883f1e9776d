import { fingerprintOf } from '../../src/model/fingerprint.js'
import { readDesired } from '../../src/store/documents.js'
import { keys, parseKey } from '../../src/store/keys.js'
import type { FakeEtcd, FakeStore } from '../../src/store/fake.js'
import type { AnyDesired, DesiredKind } from '../../src/model/documents/desired.js'
import type { AnyObserved } from '../../src/model/documents/observed.js'
import type { Hosted } from './builders.js'

/** The agents of a cluster on a MemoryEtcd: what they report is said by hand, or by `obey`, which does all that is desired. */
export class HandAgents {
  private readonly store: FakeStore
  private readonly silent = new Set<string>()
  private readonly silentKinds = new Set<DesiredKind>()

  constructor(etcd: FakeEtcd) {
    this.store = etcd.open()
  }

  async add(...hosts: Hosted[]): Promise<void> {
    for (const { host, inventory, alive } of hosts) {
      await this.store.write([], [{ put: keys.inventory(host.host), value: inventory }])
      if (alive) await this.store.write([], [{ put: keys.host(host.host), value: host }])
    }
  }

  /** Its agent's lease ran out. */
  async lose(host: string): Promise<void> {
    await this.store.write([], [{ delete: keys.host(host) }])
  }

  /** As made by the builders: `brick gluster1/nvme1n1`. */
  async report(reports: Record<string, AnyObserved>): Promise<void> {
    for (const [place, value] of Object.entries(reports)) {
      const [kind, where] = place.split(' ') as [DesiredKind, string]
      const [host, id] = where.split('/') as [string, string]
      await this.store.write([], [{ put: keys.observed(host, kind, id), value }])
    }
  }

  /** From now on every host does at once what it is told, except those that are kept silent. */
  obey(): void {
    this.store.watch('desired/', {
      onChanges: (changes) => {
        for (const { key, entry } of changes) {
          const parsed = parseKey(key)
          if (parsed?.collection !== 'desired' || this.silent.has(parsed.host)) continue
          if (this.silentKinds.has(parsed.kind)) continue
          const { host, kind, id } = parsed
          const read = entry && readDesired(entry, parsed)
          const at = keys.observed(host, kind, id)
          if (!read) void this.store.write([], [{ delete: at }])
          else if ('document' in read) void this.store.write([], [{ put: at, value: done(read.document) }])
        }
      },
    })
  }

  silence(host: string): void {
    this.silent.add(host)
  }

  /** Nobody obeys documents of that kind. */
  silenceKind(kind: DesiredKind): void {
    this.silentKinds.add(kind)
  }
}

function done(desired: AnyDesired): AnyObserved {
  const common = { v: 1 as const, waitingFor: [] }
  switch (desired.kind) {
    case 'brick': {
      const state = desired.wanted === 'present' ? 'ready' : 'absent'
      return { ...common, uuid: desired.uuid, directory: desired.directory, state }
    }
    case 'volume': {
      if (desired.type === 'direct') {
        const directories = desired.exports.map(({ directory }) => directory)
        const letIn = { allow: fingerprintOf(desired), sessionsLetIn: desired.sessionsLetIn }
        return { ...common, bufferId: desired.buffer.id, state: desired.wanted, offline: [], ...letIn, directories }
      }
      const allow = desired.options['auth.allow'] ?? ''
      const directories = desired.directories?.map(({ path }) => path)
      const made = directories === undefined ? {} : { directories }
      return { ...common, bufferId: desired.buffer.id, state: desired.wanted, offline: [], allow, ...made }
    }
    case 'mount':
      return { ...common, state: desired.wanted === 'present' ? 'mounted' : 'absent' }
    case 'swap':
      return { ...common, state: desired.wanted }
    case 'peer':
      return { ...common, state: 'connected' }
    case 'transfer': {
      const { attempt, part } = desired
      const all = part === 'plan' ? 0 : 1
      const counts = { files: all, bytes: all * 10, totalFiles: 1, totalBytes: 10, failed: 0 }
      return { ...common, attempt, part, state: desired.wanted, counts, failures: [] }
    }
    case 'adopt':
      return { ...common, state: 'done' }
    default:
      throw new Error(`nobody obeys ${(desired as { kind: string }).kind}`)
  }
}
