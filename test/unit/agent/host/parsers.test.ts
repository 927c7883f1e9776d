import { expect } from 'chai'
import fc from 'fast-check'
import { readFileSync, readdirSync } from 'node:fs'
import { devicePattern } from '../../../../src/agent/config.js'
import { describeBlkid } from '../../../../src/agent/host/disk/deviceContent.js'
import { globPattern } from '../../../../src/agent/host/disk/discover.js'
import * as gluster from '../../../../src/agent/host/dataplane/glusterd/gluster.js'
import { glusterThrough, parseOutputs } from '../../../../src/agent/host/dataplane/glusterd/command.js'
import { type MountEntry, parseMountInfo } from '../../../../src/agent/host/exec/mounts.js'
import type { Run } from '../../../../src/agent/host/exec/run.js'
import { readSuperblock } from '../../../../src/agent/host/disk/xfs.js'
import { aDesiredVolume } from '../../../support/desired.js'

/* What tools print is input like any other: no crash, no accepted nonsense, and what is printed is what is read. */

const fixtures = new URL('../../../fixtures/gluster/', import.meta.url)
const recordings = readdirSync(fixtures).map((name) => readFileSync(new URL(name, fixtures), 'utf8'))
const saying =
  (stdout: string): Run =>
  () =>
    Promise.resolve({ code: 0, stdout, stderr: '' })
const wanted = aDesiredVolume({ volume: 'vol1', wanted: 'absent' })

/** Letters of a name, and those that XML must escape. */
const xmlText = fc.stringMatching(/^[a-z0-9 <>&"'/._-]{1,20}$/).map((text) => text.trim() || 'x')
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const place = fc
  .tuple(fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/), fc.stringMatching(/^(\/[a-z0-9._-]{1,8}){1,4}$/))
  .map(([host, path]) => `${host}:${path}`)
const statuses = { Created: 'created', Started: 'started', Stopped: 'stopped' } as const

function answer(body: string, opRet = 0, opErrno = 0): string {
  const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<cliOutput>\n'
  return `${head}<opRet>${opRet}</opRet><opErrno>${opErrno}</opErrno><opErrstr/>${body}</cliOutput>\n`
}

describe('any answer of gluster', () => {
  const volume = fc.record({
    status: fc.constantFrom('Created', 'Started', 'Stopped') as fc.Arbitrary<keyof typeof statuses>,
    bricks: fc.uniqueArray(place, { minLength: 1, maxLength: 5 }),
    options: fc.dictionary(fc.stringMatching(/^[a-z]+\.[a-z-]{1,10}$/), xmlText, { maxKeys: 4 }),
  })

  it('gives the bricks in their order, the status and the options that were printed', async () => {
    await fc.assert(
      fc.asyncProperty(volume, async ({ status, bricks, options }) => {
        const brickList = bricks.map((brick) => `<brick uuid="u">${brick}<name>${brick}</name></brick>`).join('')
        const optionList = Object.entries(options)
          .map(([name, value]) => `<option><name>${name}</name><value>${escaped(value)}</value></option>`)
          .join('')
        const xml = answer(
          `<volInfo><volumes><volume><name>vol1</name><statusStr>${status}</statusStr><bricks>${brickList}</bricks>` +
            `<options>${optionList}</options></volume><count>1</count></volumes></volInfo>`,
        )
        const facts = await gluster.volumeFacts(glusterThrough(saying(xml)), 'g1', wanted)
        expect(facts).to.deep.include({ exists: true, status: statuses[status], bricks, options })
      }),
    )
  })

  it('never says that a volume is gone but by its own error number', async () => {
    const one = fc.constantFrom(...recordings)
    const changed = fc.tuple(one, fc.nat(), fc.nat(40), fc.string({ maxLength: 6 })).map(([xml, at, cut, put]) => {
      const from = at % xml.length
      return xml.slice(0, from) + put + xml.slice(from + cut)
    })
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), one, changed), async (text) => {
        const facts = await gluster.volumeFacts(glusterThrough(saying(text)), 'g1', wanted).catch((error: unknown) => {
          expect(error).to.be.instanceOf(Error)
          return undefined
        })
        if (!facts || facts.exists || facts.unavailable !== undefined) return
        expect(text).to.match(/30806|<opErrstr>Volume \S+ does not exist/)
      }),
      { numRuns: 300 },
    )
  })

  it('cut short at any byte is no answer', () => {
    for (const xml of recordings) {
      const whole = xml.trimEnd()
      for (let length = 0; length < whole.length; length++)
        expect(parseOutputs(whole.slice(0, length)), `${length} bytes`).to.equal(undefined)
    }
  })
})

describe('any output of blkid', () => {
  const type = fc.stringMatching(/^[A-Za-z0-9_]{1,16}$/)
  const others = fc.array(fc.constantFrom('DEVNAME=/dev/x', 'UUID=TYPE=xfs', 'LABEL=a=b', 'SEC_TYPE=ext2', ''))

  it('is told with the type that it names, wherever it stands', () => {
    fc.assert(
      fc.property(type, others, others, (name, before, after) => {
        const words = describeBlkid([...before, `TYPE=${name}`, ...after].join('\n'))
        if (name === 'LVM2_member') expect(words).to.match(/^an LVM physical volume( TYPE=xfs)?$/)
        else expect(words).to.match(new RegExp(`^a signature of ${name}( TYPE=xfs)?$`))
      }),
    )
  })

  it('is told in one line, and never as nothing', () => {
    fc.assert(fc.property(fc.string(), (text) => void expect(describeBlkid(text)).to.match(/^[^\n]+$/)))
  })
})

describe('any mount table', () => {
  const path = fc.string({ unit: fc.constantFrom('a', 'B', '7', '/', ' ', '\t', '\n', '\\', '-', 'é'), maxLength: 12 })
  const entry: fc.Arbitrary<MountEntry> = fc.record({
    id: fc.nat(100_000).map(String),
    device: fc.tuple(fc.nat(300), fc.nat(300)).map(([major, minor]) => `${major}:${minor}`),
    path: path.map((text) => `/${text}`),
    options: fc.constantFrom(['rw', 'noatime'], ['ro']),
    type: fc.constantFrom('xfs', 'fuse.glusterfs', 'tmpfs'),
    source: path.map((text) => `/dev/${text}`),
  })
  const octal = (text: string) =>
    text.replace(/[ \t\n\\]/g, (letter) => `\\${letter.charCodeAt(0).toString(8).padStart(3, '0')}`)

  it('reads the entries that the kernel printed, with any optional fields', () => {
    fc.assert(
      fc.property(fc.array(entry), fc.constantFrom('', 'shared:1 ', 'shared:1 master:2 '), (entries, optional) => {
        const lines = entries.map(
          ({ id, device, path, options, type, source }) =>
            `${id} 1 ${device} / ${octal(path)} ${options.join()} ${optional}- ${type} ${octal(source)} rw\n`,
        )
        const expected = entries.map((entry) => ({ ...entry, options: [...entry.options, 'rw'] }))
        expect(parseMountInfo(lines.join(''))).to.deep.equal(expected)
      }),
    )
  })

  it('is no reason to fail', () => {
    fc.assert(fc.property(fc.string(), (text) => void expect(parseMountInfo(text)).to.be.an('array')))
  })
})

describe('any start of a disk', () => {
  it('is an XFS only with its magic, and gives the uuid, the label and the mark that were written', () => {
    const label = fc.stringMatching(/^[a-z0-9-]{0,12}$/)
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 512, maxLength: 600 }),
        fc.uuid(),
        label,
        fc.boolean(),
        (bytes, uuid, name, marked) => {
          const start = Buffer.from(bytes)
          start.write('XFSB', 0, 'latin1')
          start.write(uuid.replaceAll('-', ''), 32, 'hex')
          start.fill(0, 108, 120).write(name, 108, 'latin1')
          start[126] = marked ? 1 : 0
          expect(readSuperblock(start)).to.deep.equal({ uuid, label: name, inProgress: marked })
          start[0] = 0
          expect(readSuperblock(start)).to.equal(undefined)
        },
      ),
    )
  })

  it('is no reason to fail', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        const start = Buffer.from(bytes)
        if (start.toString('latin1', 0, 4) !== 'XFSB') expect(readSuperblock(start)).to.equal(undefined)
      }),
    )
  })
})

describe('any glob of devices', () => {
  it('matches what it spells, and no more than its letters where it has no pattern', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9.+(){}^$|\\-]{1,12}$/), fc.string(), (glob, other) => {
        expect(globPattern(glob).test(glob)).to.equal(true)
        if (other !== glob) expect(globPattern(glob).test(other)).to.equal(false)
      }),
    )
  })

  it('that the configuration takes can be looked for', () => {
    const pieces = fc.constantFrom('[', ']', '*', '?', '!', '-', '\\', '^', 'a', 'z', '0')
    fc.assert(
      fc.property(fc.string({ unit: pieces, minLength: 1 }), (glob) => {
        const read = devicePattern.safeParse(`/dev/${glob}`)
        if (read.success) globPattern(glob)
        else expect(read.error.issues[0]!.message).to.match(/^expected/)
      }),
      { numRuns: 500 },
    )
  })
})
