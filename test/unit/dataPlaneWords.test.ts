import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'

/** Options, commands, mount types and names of one data plane. */
const words = /gluster|auth\.allow|volfile|features\.shard|ping-timeout|24007/i

/** No words of it: the hosts of the demonstration, the planes' own names, and those of what is told and seen of a volume. */
const names = /\bgluster[0-9]+\b|\bglusterd\b|(plan|\b)GlusterfsVolume(Facts)?\b/g

/** They are that data plane's, or stand for it in tests and demonstrations. */
const rooms = [
  'src/agent/host/dataplane/',
  'src/agent/plan/dataplane/',
  'src/scheduler/dataplane/',
  'src/simulated/',
  'src/standalone/',
]

/** Where else such a word stands, and why. Imports from a room's own files are no words. */
const allowed: { file: string; line: RegExp; why: string }[] = [
  { file: 'src/model/documents/volume.ts', line: /glusterfs/i, why: 'the type of the union, and its schema' },
  { file: 'src/model/levels.ts', line: /without a type/, why: 'what a document without the type is' },
  { file: 'src/model/cluster.ts', line: /brickRoot = /, why: 'bricks are mounted there since the first release' },
  {
    file: 'src/model/documents/direct.ts',
    line: /with a glusterfs|with a glusterfsd|its glusterfsd listens/,
    why: 'what it tells',
  },
  { file: 'src/agent/port/host.ts', line: /type\?: 'glusterfs'/, why: 'as the document that is looked at' },
  {
    file: 'src/model/messages.ts',
    line: /nameReserved/,
    why: 'names are refused before it is known what serves the buffer',
  },
  {
    file: 'src/model/persistentName.ts',
    line: /GlusterFS keeps/,
    why: 'names are refused before it is known what serves the buffer',
  },
  { file: 'src/cli/commands/views.ts', line: /'gluster'|'glusterfs'/, why: 'the column with its version' },
  { file: 'src/cli/commands/check.ts', line: /describe: /, why: 'operators know the volumes by that name' },
]

function leaksIn(file: string, text: string): string[] {
  if (rooms.some((room) => file.startsWith(room))) return []
  return text
    .split('\n')
    .map((line) => line.replace(names, ''))
    .filter((line) => words.test(line) && !/^(import|export) .* from '.*'$/.test(line))
    .filter((line) => !allowed.some((entry) => entry.file === file && entry.line.test(line)))
    .map((line) => `${file}: ${line.trim()}`)
}

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(ts|c)$/.test(name))
  .map((name) => ({ file: join('src', name), text: readFileSync(join('src', name), 'utf8') }))

describe('options, commands and names of a data plane', () => {
  it('are known in its rooms alone', () => {
    expect(sources.flatMap(({ file, text }) => leaksIn(file, text))).to.deep.equal([])
  })

  it('are found where they leak', () => {
    const line = "const options = { 'auth.allow': clients }"
    expect(leaksIn('src/scheduler/desired/buffer.ts', line)).to.have.length(1)
    expect(leaksIn('src/agent/plan/mount.ts', "type === 'fuse.glusterfs'")).to.have.length(1)
    expect(leaksIn('src/scheduler/dataplane/glusterd/volumeOptions.ts', line)).to.deep.equal([])
  })

  it('stand elsewhere only where the list says so, and the list has nothing that is not there', () => {
    const unused = allowed.filter(
      ({ file, line }) =>
        !sources.some(
          (source) => source.file === file && source.text.split('\n').some((l) => words.test(l) && line.test(l)),
        ),
    )
    expect(unused).to.deep.equal([])
  })
})
