import { expect } from 'chai'
import { parseAccess, problemWithPersistentAccess } from '../../../../../src/scheduler/slurm/script/accessModes.js'

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

  const bad: [text: string, told: RegExp][] = [
    ['shared', /unknown access mode "shared": write access_mode=striped/],
    ['striped,striped', /striped is given twice/],
    ['striped,', /unknown access mode ""/],
    ['striped(client_cache=yes', /unknown access mode "striped\(client_cache=yes"/],
    ['striped(client_cache=maybe)', /"client_cache=maybe".*write striped\(client_cache=yes\)/],
    ['private(client_cache=yes,client_cache=no)', /client_cache is given twice/],
    ['striped(colour=blue)', /unknown option "colour=blue"/],
    ['striped(MFS=3MB)', /"MFS=3MB" is an option of DataWarp that this system does not serve/],
  ]
  for (const [text, told] of bad) {
    it(`${text} is refused, with what to write instead`, () => {
      const access = parseAccess(text)
      expect('refused' in access && access.refused).to.match(told)
    })
  }

  it('of a persistent buffer is striped, and has no options', () => {
    expect(problemWithPersistentAccess('striped')).to.equal(undefined)
    expect(problemWithPersistentAccess('private')).to.match(/is striped/)
    expect(problemWithPersistentAccess('striped(client_cache=no)')).to.match(/own buffer/)
  })
})
