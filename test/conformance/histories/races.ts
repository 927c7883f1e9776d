import { constants } from 'node:fs'
import type { Answer } from '../worker.js'
import { expectSeen, Wrong } from '../wrong.js'
import { expectAnswer, must, type Process, type Stage, withProcesses } from './history.js'

/*
 * Two processes on each of two mounts make one name at the same time: with O_EXCL, mkdir and link one of them does and the
 * others are told EEXIST; with O_CREAT alone all open the same file; of renames onto one name, one file remains.
 */

const { O_RDWR, O_CREAT, O_EXCL } = constants

type Race = (processes: Process[], path: string, fresh: string) => Promise<void>
const races = {
  O_EXCL: async (processes, path) => {
    const answers = await atOnce(processes, (process) => process.worker.call('open', [path, O_RDWR | O_CREAT | O_EXCL]))
    expectOneWinner('open with O_EXCL', processes, answers)
    await closeAll(processes, answers)
    await must(processes[0]!, 'unlink', [path])
  },
  mkdir: async (processes, path) => {
    expectOneWinner('mkdir', processes, await atOnce(processes, (process) => process.worker.call('mkdir', [path])))
    await must(processes[0]!, 'rmdir', [path])
  },
  link: async (processes, path, fresh) => {
    const { value: fd } = await must(processes[0]!, 'open', [fresh, O_RDWR | O_CREAT])
    await must(processes[0]!, 'close', [fd])
    expectOneWinner('link', processes, await atOnce(processes, ({ worker }) => worker.call('link', [fresh, path])))
    for (const process of processes) {
      await expectSeen(`${process.name} stat of a link made by all at once`, 'there', async () => {
        const { error } = await process.worker.call('stat', [path])
        return error ?? 'there'
      })
    }
    await must(processes[0]!, 'unlink', [path])
    await must(processes[0]!, 'unlink', [fresh])
  },
  O_CREAT: async (processes, path) => {
    const answers = await atOnce(processes, (process) => process.worker.call('open', [path, O_RDWR | O_CREAT]))
    answers.forEach((answer, index) => expectAnswer(processes[index]!, 'open with O_CREAT by all at once', answer))
    const inodes = await Promise.all(
      processes.map(async (process, index) => {
        const { data } = await must(process, 'fstat', [(answers[index] as { value: number }).value])
        return data.toString().split(' ')[4]
      }),
    )
    if (new Set(inodes).size !== 1) throw new Wrong(`O_CREAT by all at once: inodes ${inodes.join(', ')}`)
    await closeAll(processes, answers)
    await must(processes[0]!, 'unlink', [path])
  },
  rename: async (processes, path, fresh) => {
    for (const process of processes) {
      const { value: fd } = await must(process, 'open', [`${fresh}${process.name}`, O_RDWR | O_CREAT])
      await must(process, 'pwrite', [fd, 0], Buffer.from(process.name))
      await must(process, 'close', [fd])
    }
    const answers = await atOnce(processes, ({ worker, name }) => worker.call('rename', [`${fresh}${name}`, path]))
    answers.forEach((answer, index) => expectAnswer(processes[index]!, 'rename by all at once', answer))
    const { data: names } = await must(processes[0]!, 'readdir', ['.'])
    if (names.toString() !== `${path}\n`) {
      throw new Wrong(`rename by all at once: ${JSON.stringify(names.toString())} is there instead of ${path}`)
    }
    await must(processes[0]!, 'unlink', [path])
  },
} satisfies Record<string, Race>

export type RaceName = keyof typeof races

export interface RaceRules {
  chosen: readonly RaceName[]
  reusesName: boolean
  rounds?: number
  /** Before the names: another than the history's own. */
  directory?: string
}

export function playRaces(stage: Stage, { chosen, reusesName, rounds = 25, directory = '' }: RaceRules): Promise<void> {
  return withProcesses(stage, [2, 2], async (processes, random) => {
    for (let round = 0; round < rounds; round++) {
      const name = random.oneOf(chosen)
      const order = random.below(2) === 0 ? processes : [...processes].reverse()
      stage.say(name)
      await races[name](order, `${directory}name${reusesName ? '' : round}`, `own${round}`)
    }
  })
}

function atOnce(processes: Process[], call: (process: Process) => Promise<Answer>): Promise<Answer[]> {
  return Promise.all(processes.map(call))
}

function expectOneWinner(what: string, processes: Process[], answers: Answer[]): void {
  const told = answers.map(({ error }, index) => `${processes[index]!.name} ${error ?? 'success'}`)
  const winners = answers.filter(({ error }) => error === undefined).length
  const others = answers.filter(({ error }) => error !== undefined && error !== 'EEXIST').length
  if (winners !== 1 || others > 0) throw new Wrong(`${what} by all at once: ${told.join(', ')}`)
}

async function closeAll(processes: Process[], answers: Answer[]): Promise<void> {
  for (const [index, { error, ...answer }] of answers.entries()) {
    if (error === undefined) await must(processes[index]!, 'close', [(answer as { value: number }).value])
  }
}
