import { expect } from 'chai'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../../lab/common/until.js'
import { DirectRig } from '../../support/directRig.js'
import { needsRoot } from '../../support/loopDevices.js'

const pattern = '/proc/sys/kernel/core_pattern'

describe("core dumps of GlusterFS's processes (root)", function () {
  this.timeout(120_000)
  let rig: DirectRig
  let usual: string | undefined
  const directory = mkdtempSync(join(tmpdir(), 'bb-core-'))

  before(async function () {
    needsRoot(this)
    rig = await DirectRig.with(2)
    await rig.makeBricks()
    await rig.settle('volume', rig.volumeDocument())
    await rig.settle('mount', rig.mountDocument('striped'))
    usual = readFileSync(pattern, 'utf8')
    writeFileSync(pattern, join(directory, 'core.%p'))
  })
  after(async () => {
    if (usual !== undefined) writeFileSync(pattern, usual)
    rmSync(directory, { recursive: true })
    await rig?.close()
  })

  /** What a process leaves when it crashes. The kernel writes it before the process is gone. */
  const dumpOf = async (pid: number): Promise<Buffer> => {
    process.kill(pid, 'SIGSEGV')
    await until({ what: 'it has crashed', deadlineMs: 30_000 }, () => Promise.resolve(!existsSync(`/proc/${pid}`)))
    const name = readdirSync(directory).find((each) => each.startsWith(`core.${pid}`))
    return readFileSync(join(directory, name!))
  }
  const hasPassword = (dump: Buffer) => dump.includes(rig.export('striped', '/').login!.password)

  it('hold no memory, and so no password', async () => {
    const [first, second] = (await rig.pids('brick')) as [number, number]
    const [client] = (await rig.pids('client')) as [number]
    expect(hasPassword(await dumpOf(client))).to.equal(false)
    expect(hasPassword(await dumpOf(first))).to.equal(false)
    // With the kernel's own setting it would be found.
    writeFileSync(`/proc/${second}/coredump_filter`, '0x33')
    expect(hasPassword(await dumpOf(second))).to.equal(true)
  })
})
