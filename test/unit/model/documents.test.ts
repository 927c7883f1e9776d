import { expect } from 'chai'
import fc from 'fast-check'
import type { ZodType } from 'zod'
import { desiredDocuments, observedDocuments } from '../../../src/model/documents.js'
import { readDocument, roomSchemas } from '../../../src/store/documents.js'
import { parseKey } from '../../../src/store/keys.js'
import { aBuffer, aCordon, aHost, aSession, brickReport, aBrick } from '../../support/builders.js'

const entry = (value: unknown) => ({ key: 'buffers/mytest', value, createRevision: 1, modRevision: 1 })
const schemas: [string, ZodType][] = [
  ...Object.entries(roomSchemas),
  ...Object.entries(desiredDocuments).map(([kind, schema]): [string, ZodType] => [`desired ${kind}`, schema]),
  ...Object.entries(observedDocuments).map(([kind, schema]): [string, ZodType] => [`observed ${kind}`, schema]),
]
const schemaOf = (room: keyof typeof roomSchemas) => roomSchemas[room] as ZodType<object>
const good: [keyof typeof roomSchemas, object][] = [
  ['hosts', aHost('gluster1').host],
  ['inventory', aHost('gluster1').inventory],
  ['buffers', aBuffer()],
  ['sessions', aSession({ buffer: '5' })],
  ['cordons', aCordon('gluster1/nvme1n1')],
]

describe('a document in etcd', () => {
  for (const [room, document] of good) {
    it(`of ${room} reads back as it was written`, () => {
      const through = JSON.parse(JSON.stringify(document)) as object
      expect(readDocument(entry(through), schemaOf(room))).to.deep.equal({ document })
    })

    it(`of ${room} is refused with a field that nobody knows, without a field, and in another version`, () => {
      const wrong: object[] = [
        { ...document, extra: 1 },
        { ...document, v: 2 },
        ...Object.keys(document)
          .filter((field) => field !== 'device' && field !== 'buffer' && field !== 'formerVolumes')
          .map((field) => ({ ...document, [field]: undefined })),
      ]
      for (const value of wrong) expect(readDocument(entry(value), schemaOf(room))).to.have.property('invalid')
    })
  }

  it('is refused in words that name the key, the field and the expectation', () => {
    const read = readDocument(entry({ ...aBuffer(), wanted: 'maybe' }), roomSchemas.buffers)
    expect(read)
      .to.have.property('invalid')
      .that.matches(/^buffers\/mytest: wanted: .*present.*absent/)
  })

  it('never holds a path, device or host that leaves its place', () => {
    const brick = aBrick('gluster1/nvme1n1')
    for (const device of ['../sda', 'a/b', '', '.', '-f']) {
      expect(roomSchemas.buffers.safeParse({ ...aBuffer(), bricks: [{ ...brick, device }] }).success).to.equal(false)
    }
    for (const directory of ['..', 'brick/../..', 'brick-', 'data']) {
      expect(roomSchemas.buffers.safeParse({ ...aBuffer(), directory }).success).to.equal(false)
    }
    for (const volume of ['../x', '', '-f', 'a b', 'a\n']) {
      expect(roomSchemas.buffers.safeParse({ ...aBuffer(), volume }).success).to.equal(false)
    }
  })

  for (const [what, schema] of schemas) {
    it(`of ${what} survives any JSON: it is refused or whole`, () => {
      fc.assert(
        fc.property(fc.jsonValue(), (value) => {
          const read = readDocument(entry(value), schema)
          expect('invalid' in read || (read.document as { v: unknown }).v === 1).to.equal(true)
        }),
      )
    })
  }

  it('with one field of it turned into any other JSON is refused, or still holds to its schema', () => {
    const documents = fc.constantFrom(...good)
    fc.assert(
      fc.property(documents, fc.nat(), fc.jsonValue(), ([room, document], at, value) => {
        const fields = Object.keys(document)
        const read = readDocument(entry({ ...document, [fields[at % fields.length]!]: value }), schemaOf(room))
        if ('invalid' in read) return
        const again = readDocument(entry(JSON.parse(JSON.stringify(read.document))), schemaOf(room))
        expect(again).to.deep.equal(read)
      }),
    )
  })

  it('of a brick report is refused with another state', () => {
    const [report] = Object.values(brickReport(aBrick('gluster1/nvme1n1')))
    expect(observedDocuments.brick.safeParse(report).success).to.equal(true)
    expect(observedDocuments.brick.safeParse({ ...report, state: 'done' }).success).to.equal(false)
  })
})

describe('a key', () => {
  it('of any text is one of ours or none, and never a crash', () => {
    const part = fc.oneof(
      fc.constantFrom(
        'hosts',
        'buffers',
        'desired',
        'observed',
        'events',
        'brick',
        'mountpoint',
        '',
        'leader',
        'mount',
      ),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const parsed = parseKey(parts.join('/'))
        if (parsed && 'host' in parsed) expect(parsed.host).not.to.equal('')
        if (parsed && 'name' in parsed) expect(parsed.name).not.to.equal('')
      }),
    )
  })
})
