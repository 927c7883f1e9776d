import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Devices } from '../../../../lab/namespaces/devices.js'
import { layOutHomes } from '../../../../lab/common/files.js'
import { LabHost } from '../../../../lab/namespaces/host.js'
import { hostNamed } from '../../../../lab/common/hosts.js'
import { run } from '../../../../lab/common/run.js'
import { Network } from '../../../../lab/namespaces/network.js'
import { until } from '../../../../lab/common/until.js'

/* Needs root and the packages of the set-up; no program of ours runs here. */
describe('a host of the lab', function () {
  this.timeout(60_000)
  let dir: string
  let net: Network
  let disks: Devices
  let gluster3: LabHost
  let c1: LabHost

  before(async function () {
    if (process.getuid?.() !== 0) this.skip()
    dir = mkdtempSync(join(tmpdir(), 'lab-'))
    net = new Network(join(dir, 'switch'))
    disks = new Devices(join(dir, 'disks'))
    gluster3 = new LabHost(hostNamed('gluster3'), join(dir, 'hosts/gluster3'), disks, net)
    c1 = new LabHost(hostNamed('c1'), join(dir, 'hosts/c1'), disks, net)
    layOutHomes(join(dir, 'home'))
    await net.on()
    await Promise.all([gluster3.on(randomBytes(128)), c1.on(randomBytes(128))])
  })

  after(async () => {
    if (!dir) return
    await Promise.all([gluster3.off(), c1.off()])
    await net.off()
    await disks.detach()
    const { stdout } = await run(['losetup', '--list', '--noheadings', '--output', 'BACK-FILE'])
    expect(stdout).to.not.include(dir)
    rmSync(dir, { recursive: true })
  })

  const said = async (host: LabHost, command: string, user = 'root') => {
    const { stdout, stderr } = await host.exec(['sh', '-c', command], { user })
    return (stdout + stderr).trim()
  }
  const reaches = async () =>
    (await said(c1, 'timeout 2 sh -c "curl -s -m 1 -o /dev/null telnet://10.91.0.23:7" </dev/null; echo $?')) === '7'

  it('has its own name, users and disks', async () => {
    expect(await said(gluster3, 'hostname')).to.equal('gluster3')
    expect(await said(gluster3, 'id -un; echo ~', 'alice')).to.equal('alice\n/home/alice')
    expect(await said(gluster3, 'blockdev --getsize64 /dev/nvme6n1')).to.equal('1000000000000')
    expect(await said(c1, 'ls /dev | grep -c nvme')).to.equal('0')
  })

  it('lets root become a user', async () => {
    expect(await said(c1, "su - alice -c 'id -un; pwd'")).to.equal('alice\n/home/alice')
  })

  it('cannot change the machine', async () => {
    expect(await said(c1, 'touch /usr/x')).to.include('Read-only')
    expect(await said(c1, 'touch /opt/burstbuffer/x')).to.include('Read-only')
    await said(c1, 'echo 1.2.3.4 example >>/etc/hosts; mkdir /data/only-here')
    expect(readFileSync('/etc/hosts', 'utf8')).to.not.include('1.2.3.4 example')
    expect(existsSync('/data/only-here')).to.equal(false)
  })

  it('is not reached while its cable is pulled', async () => {
    expect(await reaches(), 'connection refused: reached').to.equal(true)
    await net.cut(hostNamed('gluster3'))
    expect(await net.isCut(hostNamed('gluster3'))).to.equal(true)
    expect(await reaches()).to.equal(false)
    await net.heal(hostNamed('gluster3'))
    await until({ what: 'gluster3 is reached again' }, reaches)
  })

  it('loses its processes, mounts and /run with its power, and keeps its disks and /var', async () => {
    await said(
      gluster3,
      'mkfs.xfs -q -K /dev/nvme1n1 && mount /dev/nvme1n1 /mnt && touch /mnt/x /run/x /var/lib/x && sync',
    )
    await said(gluster3, 'setsid --fork sleep 12345 >/dev/null 2>&1')
    await gluster3.off()
    expect(gluster3.isOn()).to.equal(false)
    expect((await run(['pgrep', '--full', '^sleep 12345$'])).code, 'sleep still runs').to.equal(1)
    await gluster3.on(randomBytes(128))
    expect(await said(gluster3, 'ls /run/x')).to.include('No such file')
    expect(await said(gluster3, 'ls /mnt; ls /var/lib/x')).to.equal('/var/lib/x')
    expect(await said(gluster3, 'mount /dev/nvme1n1 /mnt && ls /mnt && umount /mnt')).to.equal('x')
  })
})
