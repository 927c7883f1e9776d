import type { Scene } from './scene.js'
import { parseBurstBuffer, showBurstBuffer, submit, untilCompleted } from './slurm.js'

const user = 'alice'
export const persistentName = 'mytestbuffer'

export async function createPersistent(scene: Scene): Promise<void> {
  await scene.writeFile(
    'head',
    user,
    'create-persistent.sh',
    `#!/bin/bash
#BB create_persistent name=${persistentName} capacity=32GB access=striped type=scratch
echo created
`,
  )
  await scene.show('head', ['cat', 'create-persistent.sh'], { user })
  const job = await submit(scene, user, 'create-persistent.sh')
  await untilCompleted(scene, job)
  // Slurm counts used space itself, and reads free space every half minute.
  const counts = (shown: string) => {
    const { used, free } = parseBurstBuffer(shown)
    return free === '19TB' && used === '1TB'
  }
  await scene.expectSoon('FreeSpace=19TB UsedSpace=1TB', () => scene.ask('head', showBurstBuffer), counts)
  const shown = await scene.show('head', showBurstBuffer)
  const { buffers } = parseBurstBuffer(shown)
  const found = buffers.find(({ name }) => name === persistentName)
  const isRight = found?.size === '1TB' && found.state === 'allocated' && found.user === user
  scene.expect(`Name=${persistentName} … Size=1TB State=allocated UserID=${user}`, isRight, shown)
}

/** Two jobs at once on different nodes: the second reads what the first wrote, and answers through the buffer. */
export async function usePersistent(scene: Scene): Promise<void> {
  const folder = `$DW_PERSISTENT_STRIPED_${persistentName}`
  const script = (node: string, lines: string) => `#!/bin/bash
#SBATCH --nodelist=${node} --time=5 --output=use-on-${node}.out
#DW persistentdw name=${persistentName}
set -e
${lines}`
  const writer = `echo "written on $(hostname)" >"${folder}/message.tmp"
mv "${folder}/message.tmp" "${folder}/message"
timeout 120 sh -c 'until [ -e "$0" ]; do sleep 0.2; done' "${folder}/answer"
cat "${folder}/answer"
`
  const reader = `timeout 120 sh -c 'until [ -e "$0" ]; do sleep 0.2; done' "${folder}/message"
echo "$(hostname) reads: $(cat "${folder}/message")"
echo "answered on $(hostname)" >"${folder}/answer.tmp"
mv "${folder}/answer.tmp" "${folder}/answer"
`
  await scene.writeFile('head', user, 'write.sh', script('c1', writer))
  await scene.writeFile('head', user, 'read.sh', script('c2', reader))
  for (const name of ['write.sh', 'read.sh']) await scene.show('head', ['cat', name], { user })
  const jobs = [await submit(scene, user, 'write.sh'), await submit(scene, user, 'read.sh')]
  for (const job of jobs) await untilCompleted(scene, job)
  const read = await scene.show('head', ['cat', 'use-on-c2.out'], { user })
  scene.expect('c2 reads: written on c1', read.trim() === 'c2 reads: written on c1', read)
  const answered = await scene.show('head', ['cat', 'use-on-c1.out'], { user })
  scene.expect('answered on c2', answered.trim() === 'answered on c2', answered)
}

export async function destroyPersistent(scene: Scene): Promise<void> {
  await scene.writeFile(
    'head',
    user,
    'destroy-persistent.sh',
    `#!/bin/bash
#BB destroy_persistent name=${persistentName}
echo destroyed
`,
  )
  await scene.show('head', ['cat', 'destroy-persistent.sh'], { user })
  const job = await submit(scene, user, 'destroy-persistent.sh')
  await untilCompleted(scene, job)
  const gone = (shown: string) => parseBurstBuffer(shown).buffers.every(({ name }) => name !== persistentName)
  await scene.expectSoon(`no buffer ${persistentName} in Slurm`, () => scene.ask('head', showBurstBuffer), gone)
  await scene.show('head', ['squeue'])
}
