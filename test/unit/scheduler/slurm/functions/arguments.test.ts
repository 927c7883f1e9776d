import { expect } from 'chai'
import fc from 'fast-check'
import * as messages from '../../../../../src/scheduler/slurm/functions/messages.js'
import { parseArguments } from '../../../../../src/scheduler/slurm/functions/arguments.js'

describe('the arguments of dw_wlm_cli', () => {
  it('are read in every spelling of Slurm’s, in any order', () => {
    const read = {
      function: 'create_persistent',
      caller: 'CLI',
      token: 'a',
      user: '7',
      capacity: 'p:1',
      access: 'striped',
      type: 'scratch',
      hurry: false,
    }
    const short = '--function create_persistent -c CLI -t a -u 7 -C p:1 -a striped -T scratch'
    const long =
      '--type=scratch --access=striped --capacity=p:1 --user=7 --token=a --caller=CLI --function=create_persistent'
    expect(parseArguments(short.split(' '))).to.deep.equal(read)
    expect(parseArguments(long.split(' '))).to.deep.equal(read)
  })

  it('call one file by two names', () => {
    expect(parseArguments(['--nodehostnamefile', '/f'])).to.include({ nodeFile: '/f' })
    expect(parseArguments(['--nidlistfile', '/f'])).to.include({ nodeFile: '/f' })
    expect(parseArguments(['--hurry', '--jobexecutionnodefile', '/g'])).to.deep.equal({
      hurry: true,
      executionNodeFile: '/g',
    })
  })

  it('may be given twice when they say the same', () => {
    expect(parseArguments(['--token', 'a', '-t', 'a'])).to.include({ token: 'a' })
  })

  const known =
    '--function --caller -c --token -t --user -u --groupid --group -g --capacity -C --access -a --type -T --job -j --nodehostnamefile --nidlistfile --jobexecutionnodefile --pathfile -p --hurry'
  const unknown = (word: string) => messages.unknownArgument(word, known.split(' '))
  const bad: [string[], string][] = [
    [['--token'], messages.argumentWithoutValue('--token')],
    [['--tokens', 'a'], unknown('--tokens')],
    [['--hurry=yes'], unknown('--hurry=yes')],
    [['--__proto__', 'a'], unknown('--__proto__')],
    [['constructor', 'a'], unknown('constructor')],
    [['-t', 'a', '-t', 'b'], messages.argumentTwice('-t')],
    [['stray'], unknown('stray')],
  ]
  for (const [words, told] of bad) {
    it(`are refused when they are ${words.join(' ')}`, () =>
      expect(parseArguments(words)).to.deep.equal({ refused: told }))
  }

  it('of any words are read or refused, and no value is lost', () => {
    const word = fc.oneof(fc.constantFrom('--token', '-t', '--token=', '--hurry', '--job=x=y', '-C'), fc.string())
    fc.assert(
      fc.property(fc.array(word), (words) => {
        const read = parseArguments(words)
        if ('refused' in read) return void expect(read.refused).to.be.a('string').that.is.not.empty
        for (const value of Object.values(read))
          if (typeof value === 'string') expect(words.join('\n')).to.contain(value)
      }),
    )
  })
})
