import { expect } from 'chai'
import { type Operation, operations } from '../../../../src/model/operations.js'
import { aHost } from '../../../support/builders.js'
import { SocketRig } from '../../../support/socketRig.js'

describe('every operation of the document', () => {
  const rig = new SocketRig()
  before(() => rig.start([aHost('gluster1')]))
  after(() => rig.stop())

  for (const [name, { method, path, body, isStream }] of Object.entries<Operation>(operations)) {
    if (isStream) continue
    it(`is served: ${name}`, async () => {
      const { text, headers } = await rig.call(method, path.replace(/\{\w+\}/g, 'nothing'), body && {})
      expect(headers['content-type'], text).to.equal('application/json')
    })
  }
})
