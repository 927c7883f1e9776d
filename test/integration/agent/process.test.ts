import { expect } from 'chai'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listedInTwoPools } from '../../../src/agent/host/disk/messages.js'
import { until } from '../../../lab/common/until.js'
import type { HostDocument } from '../../../src/model/documents/host.js'
import type { InventoryDevice, InventoryDocument } from '../../../src/model/documents/inventory.js'
import { openStore } from '../../../src/store/etcd.js'
import { keys } from '../../../src/store/keys.js'
import type { Store } from '../../../src/store/store.js'
import { freePort, needsEtcd, startEtcdAt, type TestEtcd } from '../../support/etcd.js'
import { LoopDevices, needsRoot } from '../../support/loopDevices.js'
import { Program, runProgram } from '../../support/program.js'

const source = 'src/agent/main.ts'
const sizeBytes = 400 * 1024 ** 2

describe('the agent as a process (root)', function () {
  this.timeout(120_000)
  const directory = mkdtempSync(join(tmpdir(), 'burstbuffer-agent-'))
  const file = join(directory, 'agent.yaml')
  let loops: LoopDevices
  let etcd: TestEtcd | undefined
  let store: Store
  let agent: Program | undefined
  let port: number

  before(async function () {
    needsRoot(this)
    needsEtcd(this)
    loops = new LoopDevices()
    for (const name of ['nvme1n1', 'sda']) loops.add(name, sizeBytes)
    port = await freePort()
    configure({ fast: ['nvme*n1'] })
    agent = new Program(source, '--config', file)
  })
  after(async () => {
    await agent?.stop()
    await store?.close()
    await etcd?.stop()
    loops?.close()
    rmSync(directory, { recursive: true })
  })

  /** Patterns are names in the directory of the loop devices. */
  function configure(pools: Record<string, string[]>): void {
    const paths = Object.entries(pools).map(([pool, names]) => [
      pool,
      names.map((name) => join(loops.directory, 'dev', name)),
    ])
    const settings = { host: 'g1', roles: ['storage'], pools: Object.fromEntries(paths) as object }
    writeFileSync(
      file,
      JSON.stringify({ ...settings, etcd: { endpoints: [`http://127.0.0.1:${port}`], insecure: true } }),
    )
  }

  /** The inventory once its devices are these, as `name pool state`. */
  function untilDevices(...expected: string[]): Promise<InventoryDevice[]> {
    return until({ what: `the devices are ${expected.join(', ')}`, deadlineMs: 60_000 }, async () => {
      const devices = ((await store.get(keys.inventory('g1')))?.value as InventoryDocument | undefined)?.devices ?? []
      const told = devices.map(({ name, pool, state }) => `${name} ${pool} ${state}`)
      return told.join() === expected.join() ? devices : undefined
    })
  }

  async function problems(): Promise<string[]> {
    return ((await store.get(keys.host('g1')))?.value as HostDocument | undefined)?.problems ?? []
  }

  it('waits for an etcd that is not there, says so, and serves when it comes', async () => {
    const { reason } = await agent!.untilLogged('waiting for etcd')
    expect(reason).to.match(/no answer|did not answer/)
    etcd = await startEtcdAt(port)
    store = openStore({ endpoints: [etcd.url] })
    await agent!.untilLogged('serving')
    await untilDevices('nvme1n1 fast blank')
    expect(agent!.lines.map(({ message }) => message)).to.not.include('step done')
  })

  it('sees a disk that is plugged in, and one that is pulled, without a restart', async () => {
    loops.add('nvme2n1', sizeBytes)
    await untilDevices('nvme1n1 fast blank', 'nvme2n1 fast blank')
    rmSync(join(loops.directory, 'dev/nvme2n1'))
    await untilDevices('nvme1n1 fast blank')
    symlinkSync(loops.nodeOf('nvme2n1'), join(loops.directory, 'dev/nvme2n1'))
    await untilDevices('nvme1n1 fast blank', 'nvme2n1 fast blank')
  })

  it('sees a pool that is edited, without a restart', async () => {
    configure({ fast: ['nvme*n1'], slow: ['sda'] })
    await untilDevices('nvme1n1 fast blank', 'nvme2n1 fast blank', 'sda slow blank')
  })

  it('refuses a bad edit with file, key and expectation, for operators too, and keeps the settings before', async () => {
    writeFileSync(file, 'roles: [storage]\netcd: { endpoints: [head] }\npools: { fast: /dev/nvme1n1 }\n')
    const { reason } = await agent!.untilLogged('configuration refused, the old settings stay')
    expect(reason).to.contain(`${file}: etcd.endpoints.0: expected a URL as in https://head:2379, found "head"`)
    expect(reason).to.contain(`${file}: pools.fast: `)
    await until({ what: 'the host tells it' }, async () => (await problems()).some((problem) => problem.includes(file)))
    loops.add('nvme3n1', sizeBytes)
    await untilDevices('nvme1n1 fast blank', 'nvme2n1 fast blank', 'nvme3n1 fast blank', 'sda slow blank')
  })

  it('forgets the refusal when the file is mended', async () => {
    configure({ fast: ['nvme*n1'] })
    await untilDevices('nvme1n1 fast blank', 'nvme2n1 fast blank', 'nvme3n1 fast blank')
    await until({ what: 'no problem is told' }, async () => (await problems()).length === 0)
  })

  it('gives a device that two pools list to neither, and says which they are', async () => {
    configure({ fast: ['nvme*n1'], slow: ['nvme3n1'] })
    const devices = await untilDevices('nvme1n1 fast blank', 'nvme2n1 fast blank', 'nvme3n1 fast refused')
    expect(devices.at(-1)!.reason).to.equal(listedInTwoPools('fast', 'slow'))
  })

  it('ends when it is told to, and leaves its inventory', async () => {
    expect(await agent!.stop()).to.equal(0)
    expect(agent!.lines.at(-1)!.message).to.equal('stopped: bricks and mounts stay as they are')
    await untilDevices('nvme1n1 fast blank', 'nvme2n1 fast blank', 'nvme3n1 fast refused')
  })

  it('does not start with a bad file: it names file, key and expectation, and exits with 2', async () => {
    writeFileSync(file, 'roles: [stroage]\netcd: { endpoints: ["http://head:2379"], insecure: true }\n')
    const { code, stderr } = await runProgram(source, ['--config', file])
    expect(code).to.equal(2)
    expect(stderr).to.contain(`${file}: roles.0: `).and.contain('found "stroage"')
    expect(stderr.trimEnd().split('\n')).to.have.length(1)
  })
})
