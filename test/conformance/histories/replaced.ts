import { constants } from 'node:fs'
import { must, type Stage, withProcesses } from './history.js'

/*
 * A file has two names, and another file is moved onto one of them and away again. Then the first file is given that name
 * once more, by link or by rename. The names are others each time, for each lies on a brick of its own.
 */

const { O_RDWR, O_CREAT } = constants
const rounds = 20

export function playReplaced(stage: Stage): Promise<void> {
  return withProcesses(stage, [1], async ([process], random) => {
    const call = (name: string, ...words: (string | number)[]) => must(process!, name, words)
    const create = async (path: string) => {
      const { value } = await call('open', path, O_RDWR | O_CREAT)
      await call('close', value)
    }
    for (let round = 0; round < rounds; round++) {
      const [file, name, other] = ['file', 'name', 'other'].map((word) => `${word}${round}`) as [string, string, string]
      const again = random.oneOf(['link', 'rename'])
      stage.say(`${again} ${file} ${name}`)
      await create(file)
      await call('link', file, name)
      await create(other)
      await call('rename', other, name)
      await call('rename', name, other)
      await call(again, file, name)
    }
  })
}
