import { expect } from 'chai'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../../lab/common/until.js'
import type { Host } from '../../../src/agent/port/host.js'
import { Inventory } from '../../../src/agent/inventory.js'
import { silentLog } from '../../../src/daemon/log.js'
import type { InventoryDevice, InventoryDocument } from '../../../src/model/documents/inventory.js'
import { levels } from '../../../src/model/levels.js'
import { keys } from '../../../src/store/keys.js'
import { FakeEtcd } from '../../../src/store/fake.js'
import { OutcomeUnknown } from '../../../src/store/store.js'
import { aDevice } from '../../support/builders.js'
import { HandClock } from '../../support/handClock.js'

describe('an inventory', () => {
  const etcd = () => new FakeEtcd(new HandClock())
  const stateIn = (store: FakeEtcd) =>
    (store.read(keys.inventory('gluster1'))?.value as InventoryDocument | undefined)?.devices[0]?.state
  const of = (
    discover: (only?: readonly string[]) => Promise<InventoryDevice[]>,
    rest: Pick<ConstructorParameters<typeof Inventory>[0], 'clock' | 'store'>,
  ) =>
    new Inventory({
      host: {
        name: 'gluster1',
        discover: async (only?: readonly string[]) => ({ devices: await discover(only), problems: [] }),
      } as unknown as Host,
      roles: ['storage'],
      log: silentLog,
      level: () => levels.highest,
      ...rest,
    })

  it('is written again when a write in between got no answer', async () => {
    const memory = etcd()
    const store = memory.open()
    let state: InventoryDevice['state'] = 'blank'
    const inventory = of(() => Promise.resolve([aDevice('gluster1', 1, { state })]), { clock: new HandClock(), store })
    await inventory.refresh()
    const write = store.write.bind(store)
    store.write = async (compares, writes) => {
      await write(compares, writes)
      throw new OutcomeUnknown('no answer')
    }
    state = 'foreign'
    await inventory.refresh().catch(() => {})
    expect(stateIn(memory)).to.equal('foreign')
    store.write = write
    state = 'blank'
    await inventory.refresh()
    expect(stateIn(memory)).to.equal('blank')
  })

  it('looks at the devices alone that it was asked for, and at all of them after a look that failed', async () => {
    const asked: (readonly string[] | undefined)[] = []
    let fails = false
    const inventory = of(
      (only) => {
        asked.push(only)
        return fails ? Promise.reject(new Error('no')) : Promise.resolve([aDevice('gluster1', 1)])
      },
      { clock: new HandClock(), store: etcd().open() },
    )
    await inventory.refresh('nvme1n1')
    await Promise.all(['nvme1n1', 'nvme2n1', 'nvme3n1'].map((device) => inventory.refresh(device)))
    await Promise.all([inventory.refresh('nvme1n1'), inventory.refresh('nvme2n1'), inventory.refresh()])
    fails = true
    await inventory.refresh('nvme1n1').catch(() => {})
    await inventory.refresh('nvme1n1').catch(() => {})
    expect(asked).to.deep.equal([
      undefined,
      ['nvme1n1'],
      ['nvme2n1', 'nvme3n1'],
      ['nvme1n1'],
      undefined,
      ['nvme1n1'],
      undefined,
    ])
  })

  it('does not go back when a write of before arrives late', async () => {
    const memory = etcd()
    const store = memory.open()
    let state: InventoryDevice['state'] = 'blank'
    const inventory = of(() => Promise.resolve([aDevice('gluster1', 1, { state })]), { clock: new HandClock(), store })
    await inventory.refresh()
    const write = store.write.bind(store)
    let late: (() => Promise<unknown>) | undefined
    store.write = (compares, writes) => {
      late = () => write(compares, writes)
      return Promise.reject(new OutcomeUnknown('no answer'))
    }
    state = 'foreign'
    await inventory.refresh().catch(() => {})
    store.write = write
    state = 'refused'
    await inventory.refresh()
    await late!()
    expect(stateIn(memory)).to.equal('refused')
  })

  it('watches one set of directories, the last that it was told, however quickly they change', async () => {
    const directories = Array.from({ length: 4 }, () => mkdtempSync(join(tmpdir(), 'burstbuffer-inventory-')))
    const inventory = of(() => Promise.resolve([]), { clock: new HandClock(), store: etcd().open() })
    const before = inotifyWatches()
    try {
      await Promise.all(directories.map((directory) => inventory.watchDirectories([join(directory, '*')])))
      await until({ what: 'one watch', seen: () => Promise.resolve(String(inotifyWatches() - before)) }, () =>
        Promise.resolve(inotifyWatches() - before === 1),
      )
    } finally {
      await inventory.close()
      for (const directory of directories) rmSync(directory, { recursive: true })
    }
    expect(inotifyWatches()).to.equal(before)
  })

  it('looks again soon at a device that came while it looked', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'burstbuffer-inventory-'))
    const clock = new HandClock()
    const asked: number[] = []
    const after = clock.after.bind(clock)
    clock.after = (ms, callback) => {
      asked.push(ms)
      return after(ms, callback)
    }
    let looks = 0
    let release: () => void = () => {}
    const discover = async () => {
      looks++
      await new Promise<void>((resolve) => (release = resolve))
      return []
    }
    const inventory = of(discover, { clock, store: etcd().open() })
    try {
      await inventory.watchDirectories([join(directory, 'nvme*')])
      inventory.start()
      clock.advance(90_000)
      await until({ what: 'a look' }, () => Promise.resolve(looks === 1))
      // The directory may not be watched yet, and then tells nothing of the first that comes.
      for (let n = 0; !asked.includes(300); n++) {
        writeFileSync(join(directory, `nvme${n}n1`), '')
        await until({ what: 'the event', deadlineMs: 200 }, () => Promise.resolve(asked.includes(300))).catch(() => {})
      }
      release()
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
      clock.advance(1_000)
      await until({ what: 'another look', deadlineMs: 5_000 }, () => Promise.resolve(looks === 2))
      release()
    } finally {
      await inventory.close()
      rmSync(directory, { recursive: true })
    }
  })
})

/** Of this process. Source: proc(5), fdinfo of an inotify instance: one line a watch. */
function inotifyWatches(): number {
  return readdirSync('/proc/self/fdinfo')
    .map((fd) => {
      try {
        return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')
      } catch {
        return ''
      }
    })
    .join('')
    .split('\n')
    .filter((line) => line.startsWith('inotify ')).length
}
