import { expect } from 'chai'
import { type DeviceContent, Refusal } from '../../../../src/agent/port/host.js'
import { describeContent, mayFormat, mayWipe, whyNotFormat } from '../../../../src/agent/plan/device.js'
import { aUuid } from '../../../support/builders.js'
import { ownXfs } from '../../../support/desired.js'

const contents: Record<string, DeviceContent> = {
  blank: { kind: 'blank' },
  own: ownXfs(),
  unfinished: ownXfs({ inProgress: true }),
  otherBrick: ownXfs({ uuid: aUuid(7) }),
  otherXfs: ownXfs({ uuid: aUuid(7), label: '' }),
  ext4: { kind: 'other', what: 'a signature of ext4' },
  unreadable: { kind: 'unreadable', reason: 'EIO' },
}
const allowed = (may: (content: DeviceContent) => boolean) =>
  Object.keys(contents).filter((name) => may(contents[name]!))

describe('what a device holds', () => {
  it('may be formatted for the first time only when it is nothing', () => {
    expect(allowed((content) => mayFormat(content, aUuid(1), 'blank'))).to.deep.equal(['blank'])
  })

  it('may be formatted again only when it carries that very uuid', () => {
    expect(allowed((content) => mayFormat(content, aUuid(1), 'own'))).to.deep.equal(['own', 'unfinished'])
  })

  it('is looked at again, and not given up, when it carries that very uuid where it was blank', () => {
    const brick = { device: 'nvme1n1', uuid: aUuid(1) }
    for (const content of [contents['own']!, contents['unfinished']!])
      expect(whyNotFormat(content, brick, 'blank'))
        .to.be.instanceOf(Error)
        .and.not.instanceOf(Refusal)
    for (const content of [contents['otherBrick']!, contents['ext4']!])
      expect(whyNotFormat(content, brick, 'blank')).to.be.instanceOf(Refusal)
  })

  it('may be wiped only when it carries that very uuid', () => {
    expect(allowed((content) => mayWipe(content, aUuid(1)))).to.deep.equal(['own', 'unfinished'])
  })

  it('is told in words', () => {
    expect(Object.values(contents).map(describeContent)).to.deep.equal([
      'nothing',
      `the brick ${aUuid(1)}`,
      `the brick ${aUuid(1)}`,
      `the brick ${aUuid(7)}`,
      `an XFS file system ${aUuid(7)}`,
      'a signature of ext4',
      'what cannot be read (EIO)',
    ])
  })
})
