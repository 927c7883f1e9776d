import { expect } from 'chai'
import fc from 'fast-check'
import type { ZodType } from 'zod'
import { desiredDocuments } from '../../../src/model/documents/desired.js'
import { observedDocuments } from '../../../src/model/documents/observed.js'
import { readDocument, collectionSchemas } from '../../../src/store/documents.js'
import { parseKey } from '../../../src/store/keys.js'
import {
  aBuffer,
  aBrick,
  aCordon,
  aHost,
  aSession,
  aTransfer,
  brickReport,
  transferReport,
} from '../../support/builders.js'
import { aDesiredTransfer, aDesiredVolume } from '../../support/desired.js'

const entry = (value: unknown) => ({ key: 'buffers/mytest', value, createRevision: 1, modRevision: 1 })
const schemas: [string, ZodType][] = [
  ...Object.entries(collectionSchemas),
  ...Object.entries(desiredDocuments).map(([kind, schema]): [string, ZodType] => [`desired ${kind}`, schema]),
  ...Object.entries(observedDocuments).map(([kind, schema]): [string, ZodType] => [`observed ${kind}`, schema]),
]
const schemaOf = (room: keyof typeof collectionSchemas) => collectionSchemas[room] as ZodType<object>
const good: [keyof typeof collectionSchemas, object][] = [
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

    it(`of ${room} is refused without a field, and in another version`, () => {
      const wrong: object[] = [
        { ...document, v: 2 },
        ...Object.keys(document)
          .filter((field) => field !== 'device' && field !== 'buffer' && field !== 'formerVolumes')
          .map((field) => ({ ...document, [field]: undefined })),
      ]
      for (const value of wrong) expect(readDocument(entry(value), schemaOf(room))).to.have.property('invalid')
    })
  }

  it('is refused in words that name the key, the field and the expectation', () => {
    const read = readDocument(entry({ ...aBuffer(), wanted: 'maybe' }), collectionSchemas.buffers)
    expect(read)
      .to.have.property('invalid')
      .that.matches(/^buffers\/mytest: wanted: .*present.*absent/)
  })

  it('never holds a path, device or host that leaves its place', () => {
    const brick = aBrick('gluster1/nvme1n1')
    for (const device of ['../sda', 'a/b', '', '.', '-f']) {
      expect(collectionSchemas.buffers.safeParse({ ...aBuffer(), bricks: [{ ...brick, device }] }).success).to.equal(
        false,
      )
    }
    for (const directory of ['..', 'brick/../..', 'brick-', 'data']) {
      expect(collectionSchemas.buffers.safeParse({ ...aBuffer(), directory }).success).to.equal(false)
    }
    for (const volume of ['../x', '', '-f', 'a b', 'a\n']) {
      expect(collectionSchemas.buffers.safeParse({ ...aBuffer(), volume }).success).to.equal(false)
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
    // JSON.stringify writes -0 as 0.
    const anyJson = fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value)))
    fc.assert(
      fc.property(documents, fc.nat(), anyJson, ([room, document], at, value) => {
        const fields = Object.keys(document)
        const read = readDocument(entry({ ...document, [fields[at % fields.length]!]: value }), schemaOf(room))
        if ('invalid' in read) return
        const again = readDocument(entry(JSON.parse(JSON.stringify(read.document))), schemaOf(room))
        expect(again).to.deep.equal(read)
      }),
    )
  })

  it('of a session reads back with its stage directives, and without any', () => {
    const list = aTransfer({ number: 2, type: 'list', inside: '', list: { side: 'outside', path: '/lustre/list' } })
    delete list.outside
    const counts = { files: 1, bytes: 2, totalFiles: 3, totalBytes: 4, failed: 2, largestBytes: 4 }
    const ended = { at: 5, state: 'failed' as const, reason: 'no such file', counts, failures: ['a'] }
    for (const transfers of [undefined, [], [aTransfer(), list, aTransfer({ number: 3, direction: 'out', ended })]]) {
      const document = { ...aSession(), ...(transfers ? { transfers } : {}) }
      expect(collectionSchemas.sessions.parse(JSON.parse(JSON.stringify(document)))).to.deep.equal(document)
    }
  })

  it('never holds a stage path that leaves its place', () => {
    for (const inside of ['/a', '../a', 'a/../b', 'a//b', 'a/', '.', 'a/.', 'a\nb', 'a\0b']) {
      expect(
        collectionSchemas.sessions.safeParse({ ...aSession(), transfers: [aTransfer({ inside })] }).success,
      ).to.equal(false, JSON.stringify(inside))
      expect(desiredDocuments.transfer.safeParse(aDesiredTransfer({ inside })).success).to.equal(false)
    }
    for (const outside of ['a', '', '/a\nb']) {
      expect(desiredDocuments.transfer.safeParse(aDesiredTransfer({ outside })).success).to.equal(false)
    }
    expect(desiredDocuments.transfer.safeParse(aDesiredTransfer({ inside: '' })).success).to.equal(true)
  })

  it('of a transfer report is refused without its attempt, and with more failures than are kept in etcd', () => {
    const [report] = Object.values(transferReport('gluster1', aSession()))
    expect(observedDocuments.transfer.safeParse(report).success).to.equal(true)
    expect(observedDocuments.transfer.safeParse({ ...report, attempt: undefined }).success).to.equal(false)
    const failures = Array.from({ length: 21 }, () => 'a')
    expect(observedDocuments.transfer.safeParse({ ...report, failures }).success).to.equal(false)
  })

  it('of a buffer whose files an earlier release cut into shards is read, and keeps its word for it', () => {
    const document = { ...aBuffer(), shardBytes: 64 * 1024 ** 2 }
    expect(readDocument(entry(document), collectionSchemas.buffers)).to.deep.equal({ document })
  })

  it('of a volume is one of GlusterFS without a type, and refused with a type that nobody serves', () => {
    const volume = aDesiredVolume()
    const { type, ...untyped } = { type: 'glusterfs', ...volume }
    const read = (value: object) => desiredDocuments.volume.safeParse(value)
    expect(read({ ...untyped, type })).to.have.property('success', true)
    expect(read(untyped).data).to.deep.equal(untyped)
    for (const other of ['direct', '', null, 1])
      expect(read({ ...untyped, type: other })).to.have.property('success', false)
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
