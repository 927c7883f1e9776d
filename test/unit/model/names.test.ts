import { expect } from 'chai'
import fc from 'fast-check'
import { deviceName, hostName, isJobToken, poolName, compareNames, quote } from '../../../src/model/names.js'

describe("a job's token", () => {
  for (const token of ['1', '347', '783000000']) it(`may be ${token}`, () => expect(isJobToken(token)).to.equal(true))
  for (const token of ['', '0', '01', '-1', '3_4', '12a', '1\n', '1'.repeat(19)]) {
    it(`may not be ${JSON.stringify(token)}`, () => expect(isJobToken(token)).to.equal(false))
  }
})

describe('quoted text', () => {
  it('stays on one line and steers no terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        // eslint-disable-next-line no-control-regex
        expect(quote(text)).not.to.match(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
        expect(quote(text).length).to.be.lessThan(600)
      }),
    )
  })

  it('reads back as what it was, when it is short', () => {
    fc.assert(fc.property(fc.string({ maxLength: 80 }), (text) => void expect(JSON.parse(quote(text))).to.equal(text)))
  })
})

describe('names of hosts, devices and pools', () => {
  const parts: [string, typeof hostName][] = [
    ['host', hostName],
    ['device', deviceName],
    ['pool', poolName],
  ]
  for (const [what, schema] of parts) {
    it(`keep to one part of a key: no ${what} holds a slash, a blank or begins with a dash or a dot`, () => {
      fc.assert(
        fc.property(fc.string({ unit: 'binary', maxLength: 70 }), (name) => {
          if (schema.safeParse(name).success) expect(name).to.match(/^[A-Za-z0-9][A-Za-z0-9._:-]*$/)
        }),
      )
      for (const name of ['', '..', '.', '-x', 'a/b', 'a b', 'a\n', 'a\0']) {
        expect(schema.safeParse(name).success, JSON.stringify(name)).to.equal(false)
      }
    })
  }
})

describe('names', () => {
  it('are ordered by their numbers as numbers', () => {
    const ordered = ['gluster', 'gluster01', 'gluster1', 'gluster1a', 'gluster2', 'gluster10', 'glusterx', 'nvme0n2']
    expect([...ordered].reverse().sort(compareNames)).to.deep.equal(ordered)
  })

  it('have one order, whichever way they are compared', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '0', '1', '2', '-'), maxLength: 6 })
    fc.assert(
      fc.property(name, name, name, (a, b, c) => {
        expect(Math.sign(compareNames(a, b)) + Math.sign(compareNames(b, a))).to.equal(0)
        expect(compareNames(a, b) === 0).to.equal(a === b)
        if (compareNames(a, b) < 0 && compareNames(b, c) < 0) expect(compareNames(a, c)).to.be.below(0)
      }),
      { numRuns: 2000 },
    )
  })
})
