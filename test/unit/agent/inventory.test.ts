import { expect } from 'chai'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../../lab/until.js'
import type { Host } from '../../../src/agent/host.js'
import { Inventory } from '../../../src/agent/inventory.js'
import { silentLog } from '../../../src/daemon/log.js'
import type { InventoryDevice, InventoryDocument } from '../../../src/model/documents.js'
import { levels } from '../../../src/model/levels.js'
import { keys } from '../../../src/store/keys.js'
import { MemoryEtcd } from '../../../src/store/memory.js'
import { OutcomeUnknown } from '../../../src/store/store.js'
import { aDevice } from '../../support/builders.js'
import { HandClock } from '../../support/handClock.js'

describe('an inventory', () => {
  const etcd = () => new MemoryEtcd(new HandClock())
  const stateIn = (store: MemoryEtcd) =>
    (store.read(keys.inventory('gluster1'))?.value as InventoryDocument | undefined)?.devices[0]?.state
  const of = (
    discover: () => Promise<InventoryDevice[]>,
    rest: Pick<ConstructorParameters<typeof Inventory>[0], 'clock' | 'store'>,
  ) =>
    new Inventory({
      host: { name: 'gluster1', discover } as Host,
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
