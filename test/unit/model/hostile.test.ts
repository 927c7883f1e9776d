import { expect } from 'chai'
import fc from 'fast-check'
import type { ZodType } from 'zod'
import { accessModes } from '../../../src/model/documents/buffer.js'
import { desiredDocuments } from '../../../src/model/documents/desired.js'
import type { SessionDocument, SessionTransfer } from '../../../src/model/documents/session.js'
import { clipped } from '../../../src/model/fields.js'
import { parseStagePath } from '../../../src/model/stagePath.js'
import { desiredOfBuffer, desiredOfSession } from '../../../src/scheduler/desired/index.js'
import { collectionSchemas } from '../../../src/store/documents.js'
import { aBuffer, aCluster, aHost, aSession, aTransfer, volumeReport } from '../../support/builders.js'
import { aConfig } from '../../support/decisions.js'
import { aDesiredBrick, aDesiredMount, aDesiredSwap, aDesiredTransfer, aDesiredVolume } from '../../support/desired.js'

const long = (length: number) => 'x'.repeat(length)
const many = (count: number) => Array.from({ length: count }, (_, index) => `h${index}`)
const words = ['/a b', '/a;b', '/$(id)', '/`id`', '/a\tb', "/a'b", '/a"b', '/a,b', '/a*', '/a\\b', '/a|b', '/a&b']
const leaving = ['a', '', '/..', '/a/../b', '/a/..', '/./a', '//a', '/a//b', '/a/', '/a\nb', '/a\0b', `/${long(5_000)}`]
const badVolumes = ['../x', '', '-f', 'a b', 'a\n', 'a/b', '$(id)', 'x --log-file=/root/x', long(100)]
const owner = { uid: 1, gid: 1, mode: 0o700 }

describe('a document that none of our programs writes is refused', () => {
  const hostile: [string, ZodType, object[]][] = [
    [
      'volume',
      desiredDocuments.volume,
      [
        ...badVolumes.map((volume) => aDesiredVolume({ volume })),
        ...[...words, ...leaving].map((path) => aDesiredVolume({ directories: [{ path, ...owner }] })),
        aDesiredVolume({ directories: [{ path: '/a', ...owner, uid: 2 ** 32 - 1 }] }),
        aDesiredVolume({ directories: [{ path: '/a', ...owner, mode: 0o10000 }] }),
        ...[...words, ...leaving].map((path) => aDesiredVolume({ bricks: [{ host: 'gluster1', path }] })),
        aDesiredVolume({ options: { '--x': '1' } }),
        aDesiredVolume({ options: { a: long(5_000) } }),
        aDesiredVolume({ options: Object.fromEntries(many(100).map((name) => [name, '1'])) }),
      ],
    ],
    [
      'mount',
      desiredDocuments.mount,
      [
        ...badVolumes.map((volume) => aDesiredMount({ volume })),
        ...[...words, ...leaving].map((directory) => aDesiredMount({ directory })),
        ...[...words, ...leaving].map((path) => aDesiredMount({ path })),
        ...['-f', 'a b', 'a,b', 'a:b', ''].map((server) => aDesiredMount({ servers: [server] })),
        aDesiredMount({ servers: many(5_000) }),
      ],
    ],
    [
      'swap',
      desiredDocuments.swap,
      [
        ...badVolumes.map((volume) => aDesiredSwap({ volume })),
        ...[...words, ...leaving].map((path) => aDesiredSwap({ path })),
      ],
    ],
    [
      'transfer',
      desiredDocuments.transfer,
      [
        aDesiredTransfer({ uid: 0 }),
        aDesiredTransfer({ uid: 2 ** 32 - 1 }),
        ...badVolumes.map((volume) => aDesiredTransfer({ volume })),
        ...leaving.map((outside) => aDesiredTransfer({ outside })),
        ...leaving.map((report) => aDesiredTransfer({ report })),
        ...[...words, ...leaving].map((directory) => aDesiredTransfer({ directory })),
        ...[...words, ...leaving].map((template) => aDesiredTransfer({ template })),
      ],
    ],
    ['brick', desiredDocuments.brick, [aDesiredBrick({ uid: -1 }), aDesiredBrick({ mode: 0o10000 })]],
    [
      'host',
      collectionSchemas.hosts,
      [
        { ...aHost('c1').host, addresses: [long(300)] },
        { ...aHost('c1').host, addresses: many(65) },
        { ...aHost('c1').host, problems: [long(20_000)] },
        { ...aHost('c1').host, problems: many(101) },
        { ...aHost('c1').host, versions: Object.fromEntries(many(33).map((name) => [name, '1'])) },
      ],
    ],
    [
      'inventory',
      collectionSchemas.inventory,
      [
        { ...aHost('c1').inventory, volumes: many(10_001) },
        { ...aHost('c1', { devices: [{ reason: long(20_000) }] }).inventory },
      ],
    ],
    [
      'session',
      collectionSchemas.sessions,
      [
        { ...aSession(), computeHosts: many(20_001) },
        { ...aSession(), uses: many(1_001) },
      ],
    ],
  ]
  for (const [what, schema, documents] of hostile) {
    it(`of ${what}`, () => {
      const taken = documents.filter((document) => schema.safeParse(JSON.parse(JSON.stringify(document))).success)
      expect(taken).to.deep.equal([])
    })
  }
})

describe('a document that our programs write is never refused', () => {
  const user = fc.integer({ min: 1, max: 4_294_967_294 })
  const part = fc
    .string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
    .filter((text) => !/[\p{Cc}\\/$]/u.test(text))
  const outside = fc
    .array(part, { minLength: 1, maxLength: 8 })
    .map((parts) => parseStagePath(`/${parts.join('/')}`))
    .filter((parsed) => !('refused' in parsed))
    .map((parsed) => (parsed as { path: string }).path)

  it('what hosts are told of any buffer and any job', () => {
    const access = fc.subarray([...accessModes], { minLength: 1 })
    const stage = fc.constantFrom<SessionDocument['stage']>('setup', 'staging-in', 'running', 'staging-out', 'leaving')
    fc.assert(
      fc.property(
        user,
        user,
        access,
        stage,
        fc.boolean(),
        outside,
        outside,
        (uid, gid, modes, at, isSwap, from, report) => {
          const transfers: SessionTransfer[] = [
            aTransfer({ buffer: '3', outside: from, report }),
            aTransfer({ buffer: '3', outside: from, number: 2, direction: 'out' }),
          ]
          const bricks = ['gluster1/nvme1n1', 'gluster2/nvme1n1']
          const swap = isSwap ? { swapBytes: 1024 ** 3 } : {}
          const buffer = aBuffer({
            name: '3',
            volume: '3',
            kind: 'job',
            uid,
            gid,
            access: modes,
            bricks,
            builtAt: 5,
            ...swap,
          })
          const session = aSession({
            token: '3',
            buffer: '3',
            uid,
            gid,
            stage: at,
            computeHosts: ['c1', 'c2.x'],
            transfers,
          })
          const cluster = aCluster({
            hosts: [aHost('gluster1'), aHost('gluster2')],
            buffers: [buffer],
            sessions: [session],
            observed: volumeReport(buffer),
          })
          const wants = [
            ...desiredOfBuffer(cluster, buffer, aConfig()),
            ...desiredOfSession(cluster, session, aConfig()),
          ]
          expect(wants).not.to.deep.equal([])
          for (const { kind, document } of wants) {
            const written = JSON.parse(JSON.stringify({ ...document, fence: 7 })) as unknown
            const parsed = desiredDocuments[kind].safeParse(written)
            expect(parsed.error?.issues ?? []).to.deep.equal([])
          }
          expect(collectionSchemas.sessions.safeParse(session).error?.issues ?? []).to.deep.equal([])
          expect(collectionSchemas.buffers.safeParse(buffer).error?.issues ?? []).to.deep.equal([])
        },
      ),
    )
  })

  it('a text of any length, once it is clipped', () => {
    expect([clipped('abc'), clipped(long(1_000_000)).length]).to.deep.equal(['abc', 4096])
  })
})
