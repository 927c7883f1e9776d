import { persistentName } from './persistent.js'
import type { Plot } from './plot.js'
import type { Scene } from './scene.js'
import { parseBurstBuffer, showBurstBuffer } from './slurm.js'

const user = 'alice'

export async function createPerJob(scene: Scene, plot: Plot): Promise<void> {
  const line = 'srun --bb="capacity=3TB" bash -c "sleep 10 && echo $HOSTNAME"'
  scene.note(`[${user}@head]$ ${line} &`)
  const end = scene.cluster.exec('head', ['bash', '-c', line], { user, timeoutMs: 300_000 })
  end.catch(() => {})
  const ask = () => scene.ask('head', ['squeue', '--noheader', '--states=RUNNING', '--name=bash', '--format=%i %N'])
  const running = await scene.expectSoon('the job runs', ask, (seen) => seen.trim() !== '')
  const [id, node] = running.trim().split(' ') as [string, string]
  plot.job = { id, node, end }

  const shown = await scene.show('head', showBurstBuffer)
  const { buffers, used, useOf } = parseBurstBuffer(shown)
  const mine = buffers.find(({ jobId }) => jobId === id)
  const isRight = mine?.size === '3TB' && mine.user === user
  scene.expect(`JobID=${id} … Size=3TB … UserID=${user}`, isRight, shown)
  const persistent = buffers.find(({ name }) => name === persistentName)
  scene.expect(`Name=${persistentName} … Size=1TB`, persistent?.size === '1TB', shown)
  scene.expect(`UsedSpace=4TB, and Used=4TB by ${user}`, used === '4TB' && useOf[user] === '4TB', shown)
  await scene.show('head', ['squeue'])
  await checkMount(scene, node)
}

/** The process of the job knows where its buffer is, and its user can write there on the job's node. */
async function checkMount(scene: Scene, node: string): Promise<void> {
  const find =
    'for p in /proc/[0-9]*; do tr "\\0" "\\n" <$p/environ; done 2>/dev/null | sed -n "s/^DW_JOB_STRIPED=//p" | sort -u'
  const ask = () => scene.ask(node, ['sh', '-c', find])
  const path = (
    await scene.expectSoon(`DW_JOB_STRIPED in the job's environment on ${node}`, ask, (seen) => seen.trim() !== '')
  ).trim()
  scene.note(`The job on ${node} has DW_JOB_STRIPED=${path}`)
  const mount = await scene.show(node, ['findmnt', '--target', path, '--output', 'TARGET,SOURCE,FSTYPE,SIZE,OPTIONS'])
  scene.expect(`a GlusterFS mount at ${path}`, mount.includes('fuse.glusterfs'), mount)
  const write = `echo "hello from ${user}" >${path}hello && ls -l ${path} && cat ${path}hello`
  const written = await scene.show(node, ['sh', '-c', write], { user })
  scene.expect(`${user} writes below ${path}`, written.includes(`hello from ${user}`), written)
}

export async function checkVolumes(scene: Scene, plot: Plot): Promise<void> {
  const { id } = plot.job!
  const shown = await scene.show('gluster1', ['gluster', 'volume', 'info', 'all'])
  const bricks = bricksOf(shown)
  const mine = bricks[id] ?? []
  const different = new Set(mine.map((brick) => brick.split(':')[0])).size
  scene.expect(`volume ${id} with three bricks on three different hosts`, mine.length === 3 && different === 3, shown)
  const persistent = bricks[persistentName] ?? []
  scene.expect(`volume ${persistentName} with one brick`, persistent.length === 1, shown)
  const names = scene.cluster.hosts.filter(({ role }) => role === 'storage').map(({ name }) => name)
  const form = new RegExp(`^(${names.join('|')}):/data/glusterfs/nvme\\d+n1/brick$`)
  const malformed = [...mine, ...persistent].filter((brick) => !form.test(brick))
  scene.expect('brick paths glusterN:/data/glusterfs/nvmeXn1/brick', malformed.length === 0, malformed.join(', '))
}

/** The bricks of each volume, from `gluster volume info all`. */
function bricksOf(info: string): Record<string, string[]> {
  const volumes = info.split('Volume Name: ').slice(1)
  return Object.fromEntries(
    volumes.map((text) => [
      text.split('\n')[0]!.trim(),
      [...text.matchAll(/^Brick\d+: (\S+)/gm)].map((brick) => brick[1]!),
    ]),
  )
}

export async function lookUpMountpoints(scene: Scene, plot: Plot): Promise<void> {
  const { id, end } = plot.job!
  for (const name of [persistentName, id]) {
    const key = `/burstbuffer/buffers/${name}/mountpoint`
    const command = (await scene.show('head', ['etcdctl', 'get', '--print-value-only', key])).trim()
    const form = new RegExp(`^mount -t glusterfs .*gluster\\d:/?${name}\\b`)
    scene.expect(`a command that mounts ${name} at ${key}`, form.test(command), command)
    await mountByHand(scene, name, command)
  }
  const result = await end
  scene.note('Meanwhile the job ends:')
  scene.transcript('head', ['srun', '…'], { user }, result)
  scene.expect(
    'srun exits 0 and prints the name of the host',
    result.code === 0 && result.stdout.trim() === 'head',
    result.stderr + result.stdout,
  )
  const ask = () => scene.ask('head', showBurstBuffer)
  await scene.expectSoon(`the buffer of job ${id} is gone`, ask, (shown) => parseBurstBuffer(shown).used === '1TB')
}

async function mountByHand(scene: Scene, volume: string, command: string): Promise<void> {
  const target = command.split(/\s+/).at(-1)!
  await scene.show('c2', ['mkdir', '-p', target])
  await scene.show('c2', ['sh', '-c', command])
  const mounts = await scene.show('c2', ['findmnt', '--noheadings', '--output', 'SOURCE,FSTYPE', target])
  scene.expect(
    `${volume} mounted at ${target} on c2`,
    /fuse\.glusterfs/.test(mounts) && mounts.includes(volume),
    mounts,
  )
  await scene.show('c2', ['umount', target])
}
