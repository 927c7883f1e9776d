import { expect } from 'chai'
import { volfileOf } from '../../../../../../src/agent/host/dataplane/direct/volfile.js'

describe('a volfile', () => {
  it('has one volume for each translator, the lowest first', () => {
    expect(
      volfileOf([
        { name: 'a', type: 'storage/posix', options: [['directory', '/x']] },
        { name: 'b', type: 'features/locks', on: ['a'], options: [['users', ['u1', 'u2']]] },
      ]),
    ).to.equal(
      [
        'volume a',
        '    type storage/posix',
        '    option directory /x',
        'end-volume',
        '',
        'volume b',
        '    type features/locks',
        '    option users u1,u2',
        '    subvolumes a',
        'end-volume',
        '',
      ].join('\n'),
    )
  })

  for (const [what, value] of Object.entries({
    'a line break': 'x\n    option y z',
    'a blank': 'x y',
    'a tab': 'x\ty',
    'a quote': 'x"y',
    'a back quote, whose text GlusterFS runs': '/x`id`',
    'a comment': 'x#y',
    'a backslash': 'x\\y',
    'a comma, which begins another value': 'u1,u2',
    'a pattern': 'u*',
    nothing: '',
    'a letter that is not ASCII': 'ü',
  }))
    it(`is refused with ${what} in a value, in a list and in an option's name`, () => {
      for (const options of [[['directory', value]], [['users', ['u1', value]]], [[value, 'x']]] as const)
        expect(() => volfileOf([{ name: 'a', type: 'storage/posix', options }]), value).to.throw(/may contain letters/)
    })

  it('may have a value that begins with any letter of base64url, as secrets do', () => {
    for (const value of ['-x', '_x', '0x'])
      expect(volfileOf([{ name: 'a', type: 't', options: [['password', value]] }])).to.include(`password ${value}\n`)
  })

  it('is refused with an empty list, and without telling the value that is wrong', () => {
    expect(() => volfileOf([{ name: 'a', type: 't', options: [['allow', []]] }])).to.throw('allow is an empty list')
    expect(() => volfileOf([{ name: 'a', type: 't', options: [['password', 'secret word']] }]))
      .to.throw(/^the option password may contain/)
      .with.property('message')
      .that.does.not.include('secret')
  })
})
