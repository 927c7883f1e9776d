import type { Scene } from './scene.js'
import { parseBurstBuffer, showBurstBuffer } from './slurm.js'

export async function showState(scene: Scene): Promise<void> {
  const shown = await scene.show('head', showBurstBuffer)
  const wanted = 'DefaultPool=dedicated_nvme Granularity=1TB TotalSpace=20TB FreeSpace=20TB UsedSpace=0'
  scene.expect(wanted, shown.includes(wanted), shown)
}

export async function showCleanedUp(scene: Scene): Promise<void> {
  const isFree = (shown: string) => {
    const { total, free, used, buffers } = parseBurstBuffer(shown)
    return total === '20TB' && free === '20TB' && used === '0' && buffers.length === 0
  }
  await scene.expectSoon('TotalSpace=20TB FreeSpace=20TB UsedSpace=0', () => scene.ask('head', showBurstBuffer), isFree)
  await scene.show('head', showBurstBuffer)

  const noVolumes = (info: string) => info.includes('No volumes present')
  const info = async () => everything(await scene.cluster.exec('gluster1', ['gluster', 'volume', 'info', 'all']))
  await scene.expectSoon('No volumes present', info, noVolumes)
  scene.transcript('gluster1', ['gluster', 'volume', 'info', 'all'], {}, { code: 0, stdout: await info(), stderr: '' })

  for (const { name, role } of scene.cluster.hosts) if (role !== 'head') await expectNothingMounted(scene, name)
  scene.note('No brick and no buffer is mounted on any host.')
  for (const { name, devices } of scene.cluster.hosts)
    for (const device of devices) await expectBlank(scene, name, device)
  scene.note('No signature is left on any device.')
  await expectNoKeys(scene)
  scene.note('No key of a buffer is left in etcd.')
}

const everything = ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr

/** A brick's source is a device node of the host, a buffer's type is fuse.glusterfs. */
export async function expectNothingMounted(scene: Scene, host: string): Promise<void> {
  const find = `awk '/ - fuse.glusterfs / || / - xfs \\/dev\\/nvme/' /proc/self/mountinfo`
  await scene.expectSoon(
    `no brick or buffer mounted on ${host}`,
    () => scene.ask(host, ['sh', '-c', find]),
    (seen) => seen === '',
  )
}

/** No signature of any kind, as blkid sees it (exit code 2), and zeroes where XFS keeps its first superblock. */
export async function expectBlank(scene: Scene, host: string, device: string): Promise<void> {
  const path = `/dev/${device}`
  const probe = `blkid --probe ${path}; code=$?; head -c 65536 ${path} | tr -d '\\0' | wc -c; exit $((code - 2))`
  const seen = async () => everything(await scene.cluster.exec(host, ['sh', '-c', probe]))
  await scene.expectSoon(`${path} on ${host} is blank`, seen, (seen) => seen.trim() === '0')
}

async function expectNoKeys(scene: Scene): Promise<void> {
  const ofBuffers = /^\/burstbuffer\/(buffers|sessions|events|(desired|observed)\/[^/]+\/(brick|volume|mount))\//
  const ask = async () => {
    const keys = await scene.ask('head', ['etcdctl', 'get', '--prefix', '--keys-only', '/burstbuffer/'])
    return keys
      .split('\n')
      .filter((key) => ofBuffers.test(key))
      .join('\n')
  }
  await scene.expectSoon('no key of a buffer in etcd', ask, (keys) => keys === '')
}
