import { expect } from 'chai'
import * as messages from '../../../src/model/messages.js'
import { parseStagePath } from '../../../src/model/stagePath.js'

describe('a path of a stage directive', () => {
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

  const refused: [text: string, told: string][] = [
    ...['relative/x', '~/x'].map((text) => [text, messages.pathNotAbsolute(text)] as [string, string]),
    ...['$HOME/x', '${HOME}/x', '$DW_JOB_STRIPEDx', '$(id)/x', '/data/$USER'].map(
      (text) => [text, messages.unknownVariable(text)] as [string, string],
    ),
    ['$DW_JOB_STRIPED/$HOME', messages.unknownVariable('/$HOME')],
    ['$DW_PERSISTENT_STRIPED_/x', messages.nameInvalid('')],
    ['$DW_PERSISTENT_STRIPED_1st/x', messages.nameInvalid('1st')],
    ...['/data/../etc/shadow', '/data/./x'].map((text) => [text, messages.pathWithDots(text)] as [string, string]),
    ['${DW_JOB_STRIPED}../x', messages.pathWithDots('../x')],
    ['$DW_JOB_STRIPED/x/..', messages.pathWithDots('/x/..')],
    ...['/data/a\\b', '/data/a\u0007b', '/data/a\nb'].map(
      (text) => [text, messages.pathWithBackslash(text)] as [string, string],
    ),
    [`/${'x'.repeat(5_000)}`, messages.pathTooLong(`/${'x'.repeat(5_000)}`, 4_096)],
    [`/data/${'x'.repeat(300)}`, messages.partTooLong('x'.repeat(300), 255)],
  ]
  for (const [text, told] of refused) {
    it(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
      expect(parseStagePath(text)).to.deep.equal({ refused: told })
    })
  }
})
