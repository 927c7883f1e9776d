import { expect } from 'chai'
import { parseStagePath } from '../../../src/model/stagePath.js'

describe('a path of a stage line', () => {
  for (const text of [
    '$DW_JOB_STRIPED/x/y',
    '${DW_JOB_STRIPED}x/y',
    '${DW_JOB_STRIPED}/x//y/',
    '$DW_JOB_STRIPED//x/y',
  ]) {
    it(`takes ${text} for the same file`, () => {
      expect(parseStagePath(text)).to.deep.equal({ in: 'job', path: 'x/y' })
    })
  }

  it('takes the bare variable for the whole buffer', () => {
    expect(parseStagePath('$DW_JOB_STRIPED')).to.deep.equal({ in: 'job', path: '' })
    expect(parseStagePath('${DW_PERSISTENT_STRIPED_my-data}')).to.deep.equal({
      in: 'persistent',
      name: 'my-data',
      path: '',
    })
  })

  it('knows the namespaces of the nodes', () => {
    expect(parseStagePath('$DW_JOB_PRIVATE/x/')).to.deep.equal({ in: 'private', path: 'x' })
    expect(parseStagePath('${DW_JOB_PRIVATE}')).to.deep.equal({ in: 'private', path: '' })
  })

  const refused = [
    'relative/x',
    '$HOME/x',
    '${HOME}/x',
    '$DW_JOB_STRIPEDx',
    '$DW_PERSISTENT_STRIPED_/x',
    '$DW_PERSISTENT_STRIPED_1st/x',
    '$DW_JOB_STRIPED/$HOME',
    '$(id)/x',
    '/data/$USER',
    '/data/../etc/shadow',
    '/data/./x',
    '${DW_JOB_STRIPED}../x',
    '$DW_JOB_STRIPED/x/..',
    '/data/a\\b',
    '/data/a\u0007b',
    '/data/a\nb',
  ]
  for (const text of refused) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(parseStagePath(text)).to.have.property('refused')
    })
  }
})
