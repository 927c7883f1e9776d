import { expect } from 'chai'
import { parseAccess, problemWithPersistentAccess } from '../../../../../src/scheduler/slurm/script/accessModes.js'
import * as messages from '../../../../../src/scheduler/slurm/script/messages.js'

describe('an access mode', () => {
  const good: [text: string, modes: string[], clientCache: object][] = [
    ['striped', ['striped'], {}],
    ['stripe', ['striped'], {}],
    ['private', ['private'], {}],
    ['private,striped', ['striped', 'private'], {}],
    ['striped(client_cache=yes)', ['striped'], { striped: true }],
    ['striped(client_cache=no),private(client_cache=yes)', ['striped', 'private'], { striped: false, private: true }],
  ]
  for (const [text, modes, clientCache] of good) {
    it(`${text} is ${modes.join(' and ')}`, () => {
      expect(parseAccess(text)).to.deep.equal({ modes, clientCache })
    })
  }

  const bad: [text: string, told: string][] = [
    ['shared', messages.unknownAccessMode('shared')],
    ['striped,striped', messages.accessModeTwice('striped')],
    ['striped,', messages.unknownAccessMode('')],
    ['striped,swap', messages.swapIsNotAnAccessMode()],
    ['striped(client_cache=yes', messages.unknownAccessMode('striped(client_cache=yes')],
    ['striped(client_cache=maybe)', messages.unknownModeOption('striped', 'client_cache=maybe')],
    ['private(client_cache=yes,client_cache=no)', messages.clientCacheTwice('private')],
    ['striped(colour=blue)', messages.unknownModeOption('striped', 'colour=blue')],
    ['striped(MFS=3MB)', messages.modeOptionNotSupported('striped', 'MFS=3MB')],
  ]
  for (const [text, told] of bad) {
    it(`${text} is refused, with what to write instead`, () => {
      expect(parseAccess(text)).to.deep.equal({ refused: told })
    })
  }

  it('of a persistent buffer is striped, and has no options', () => {
    expect(problemWithPersistentAccess('striped')).to.equal(undefined)
    expect(problemWithPersistentAccess('private')).to.equal(messages.persistentIsStriped())
    const withOption = 'striped(client_cache=no)'
    expect(problemWithPersistentAccess(withOption)).to.equal(messages.persistentHasNoOptions(withOption))
  })
})
