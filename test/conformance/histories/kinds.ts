import { fillUp } from './full.js'
import type { Stage } from './history.js'
import { playLocks } from './locks.js'
import { playRaces } from './races.js'
import { playRandom } from './random.js'
import { playReplaced } from './replaced.js'
import { together } from './together.js'

export interface Kind {
  describe: string
  play(stage: Stage): Promise<void>
  /** It fills the file system, so that nothing else can run beside it. */
  isAlone?: boolean
  /**
   * What no client promises between two nodes: that names are seen at once (`names`: where the kernel does not keep them), and
   * what GlusterFS 10.3 does wrong with every graph (`gluster`), or on dispersed bricks (`disperse`).
   */
  beyond?: 'names' | 'gluster' | 'disperse'
}

const steps = 400

export const kinds: Record<string, Kind> = {
  one: {
    describe: 'random calls on one mount, names too',
    play: (stage) => playRandom(stage, { processes: [2], names: true, steps }),
  },
  two: {
    describe: 'random calls on the content of files on two mounts, opened again after the other has changed them',
    play: (stage) => playRandom(stage, { processes: [2, 1], names: false, steps }),
  },
  holes: {
    beyond: 'disperse',
    describe: 'as two, and holes are made and room is allocated',
    play: (stage) => playRandom(stage, { processes: [2, 1], names: false, holes: true, steps }),
  },
  removed: {
    beyond: 'disperse',
    describe: 'as one, and files are used after their last name was removed',
    play: (stage) => playRandom(stage, { processes: [2], names: true, removed: true, steps }),
  },
  seek: {
    beyond: 'gluster',
    describe: 'as one, and holes are asked for while bytes are not written out',
    play: (stage) => playRandom(stage, { processes: [2], names: true, seeksAtOnce: true, steps }),
  },
  kept: {
    beyond: 'gluster',
    describe: 'the same, with files kept open',
    play: (stage) => playRandom(stage, { processes: [2, 1], names: false, kept: true, steps }),
  },
  names: {
    beyond: 'names',
    describe: 'random calls on two mounts, names too: each name is seen at once',
    play: (stage) => playRandom(stage, { processes: [2, 1], names: true, steps }),
  },
  together: {
    describe: 'four processes on two mounts write one file, readers and stat beside them, buffered and O_DIRECT',
    play: (stage) => together(stage, { reusesName: false }),
  },
  again: {
    beyond: 'names',
    describe: 'the same, with the name removed and used again',
    play: (stage) => together(stage, { reusesName: true }),
  },
  races: {
    describe: 'files made with O_EXCL by all at once: one makes it',
    play: (stage) => playRaces(stage, { chosen: ['O_EXCL'], reusesName: false }),
  },
  'races-again': {
    beyond: 'names',
    describe: 'the same, with the name removed and used again',
    play: (stage) => playRaces(stage, { chosen: ['O_EXCL'], reusesName: true }),
  },
  creates: {
    beyond: 'gluster',
    describe: 'files opened with O_CREAT by all at once',
    play: (stage) => playRaces(stage, { chosen: ['O_CREAT'], reusesName: false }),
  },
  mkdirs: {
    beyond: 'gluster',
    describe: 'directories made by all at once',
    play: (stage) => playRaces(stage, { chosen: ['mkdir'], reusesName: false }),
  },
  links: {
    beyond: 'gluster',
    describe: 'one file linked to one name by all at once',
    play: (stage) => playRaces(stage, { chosen: ['link'], reusesName: false }),
  },
  renames: {
    beyond: 'gluster',
    describe: 'files renamed onto one name by all at once',
    play: (stage) => playRaces(stage, { chosen: ['rename'], reusesName: false }),
  },
  replaced: {
    describe: 'a file is given again a name that a rename had replaced',
    play: playReplaced,
  },
  locks: {
    describe: 'record locks on two mounts, and counting under one in a file that is opened each time',
    play: (stage) => playLocks(stage, { isKept: false, parts: false }),
  },
  'locks-parts': {
    beyond: 'gluster',
    describe: 'the same, and locks are of several bytes and changed in part',
    play: (stage) => playLocks(stage, { isKept: false, parts: true }),
  },
  'locks-kept': {
    beyond: 'gluster',
    describe: 'the same, with the file kept open',
    play: (stage) => playLocks(stage, { isKept: true, parts: false }),
  },
  full: { beyond: 'disperse', describe: 'two mounts fill the file system', play: fillUp, isAlone: true },
}
