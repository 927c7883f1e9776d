import { createHash } from 'node:crypto'
import { parseArgs } from 'node:util'
import { play } from './history.js'
import { scenarios } from './scenarios.js'

const usage = `npm run simulate -- [--seed N] [--seeds COUNT] [--scenarios A,B] [--crash-at N | --every-crash | --chance P] [--minutes N]
                    [--until-wrong] [--story]

Plays histories of the real programs on simulated hosts. Without --crash-at, --every-crash or --chance: first one without a
crash, then one for every point at which a program can die.
`
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    scenarios: { type: 'string', default: Object.keys(scenarios).join(',') },
    'crash-at': { type: 'string' },
    'every-crash': { type: 'string', default: '1' },
    chance: { type: 'string' },
    minutes: { type: 'string', default: '60' },
    'until-wrong': { type: 'boolean', default: false },
    story: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(usage)
  process.exit(0)
}
const chosen = values.scenarios.split(',')
const unknown = chosen.filter((name) => !(name in scenarios))
if (unknown.length > 0) {
  console.error(`no scenario ${unknown.join(', ')}: there are ${Object.keys(scenarios).join(', ')}`)
  process.exit(2)
}

const states = new Set<string>()
const visit = (state: string) => void states.add(createHash('sha1').update(state).digest('base64').slice(0, 12))
const deadline = performance.now() + Number(values.minutes) * 60_000
const sums = { histories: 0, deaths: 0, events: 0, wrong: 0 }

for (let seed = Number(values.seed); seed < Number(values.seed) + Number(values.seeds); seed++) {
  for (const scenario of chosen) {
    const begin = performance.now()
    const one = async (crashes: { at: number } | { chance: number }, words: string) => {
      const history = await play({ scenario, seed, crashes }, visit)
      sums.histories++
      sums.deaths += history.deaths
      sums.events += history.events
      if (values.story) console.log(history.story.join('\n'))
      if (history.wrong === undefined) return history
      sums.wrong++
      console.log(`seed ${seed}, ${scenario}: ${history.wrong}`)
      console.log(`  again: npm run simulate -- --seed ${seed} --scenarios "${scenario}" ${words} --story`)
      if (values['until-wrong']) process.exit(1)
      return history
    }
    if (values['crash-at'] !== undefined) {
      await one({ at: Number(values['crash-at']) }, `--crash-at ${values['crash-at']}`)
    } else if (values.chance !== undefined) {
      await one({ chance: Number(values.chance) }, `--chance ${values.chance}`)
    } else {
      const { points } = await one({ at: 0 }, '--crash-at 0')
      const stride = Number(values['every-crash'])
      for (let at = 1; at <= points && performance.now() < deadline; at += stride) await one({ at }, `--crash-at ${at}`)
      console.log(
        `seed ${seed}, ${scenario}: ${points} points, ${Math.round((performance.now() - begin) / 100) / 10} s`,
      )
    }
  }
}
console.log(
  `${sums.histories} histories, ${sums.deaths} deaths, ${sums.events} events, ${states.size} states, ${sums.wrong} wrong`,
)
process.exit(sums.wrong > 0 ? 1 : 0)
