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
  /** It is promised only by clients that promise all of these. */
  needs?: readonly Promised[]
}

/**
 * What not every client promises: that names which another node has changed are seen at once (`names`: the kernel keeps none), that
 * files which stay open show what another node overwrites in them (`kept`: pages are compared), and that an open shows also
 * what did not move the time of change, as holes, or moved it before this node set it (`opened`: each open reads anew); what
 * dispersed bricks do not (`distribute`), and volumes of glusterd (`top`); and what GlusterFS 10.3 does wrong with every graph
 * (`nobody`).
 */
export type Promised = 'names' | 'kept' | 'opened' | 'distribute' | 'top' | 'nobody'

const steps = 400

export const kinds: Record<string, Kind> = {
  one: {
    describe: 'random calls on one mount, names too, and times are set',
    play: (stage) => playRandom(stage, { processes: [2], names: true, times: true, steps }),
  },
  two: {
    describe: 'random calls on the content of files on two mounts, opened again after the other has changed them',
    play: (stage) => playRandom(stage, { processes: [2, 1], names: false, steps }),
  },
  times: {
    needs: ['opened'],
    describe: 'as two, and the time of change is set by utimensat',
    play: (stage) => playRandom(stage, { processes: [2, 1], names: false, times: true, steps }),
  },
  holes: {
    needs: ['distribute', 'opened'],
    describe: 'as two, and holes are made and room is allocated',
    play: (stage) => playRandom(stage, { processes: [2, 1], names: false, holes: true, steps }),
  },
  removed: {
    needs: ['distribute'],
    describe: 'as one, and files are used after their last name was removed',
    play: (stage) => playRandom(stage, { processes: [2], names: true, removed: true, steps }),
  },
  seek: {
    needs: ['nobody'],
    describe: 'as one, and holes are asked for while bytes are not written out',
    play: (stage) => playRandom(stage, { processes: [2], names: true, seeksAtOnce: true, steps }),
  },
  kept: {
    needs: ['kept'],
    describe: 'as two, with files kept open while the other mount changes them',
    play: (stage) => playRandom(stage, { processes: [2, 1], names: false, kept: true, steps }),
  },
  names: {
    needs: ['names'],
    describe: 'random calls on two mounts, names too: each name is seen at once',
    play: (stage) => playRandom(stage, { processes: [2, 1], names: true, steps }),
  },
  together: {
    describe: 'four processes on two mounts write one file, readers and stat beside them, buffered and O_DIRECT',
    play: (stage) => together(stage, { reusesName: false }),
  },
  again: {
    needs: ['names'],
    describe: 'the same, with the name removed and used again',
    play: (stage) => together(stage, { reusesName: true }),
  },
  races: {
    describe: 'files made with O_EXCL by all at once: one makes it',
    play: (stage) => playRaces(stage, { chosen: ['O_EXCL'], reusesName: false }),
  },
  'races-again': {
    needs: ['names'],
    describe: 'the same, with the name removed and used again',
    play: (stage) => playRaces(stage, { chosen: ['O_EXCL'], reusesName: true }),
  },
  creates: {
    needs: ['distribute'],
    describe: 'files opened with O_CREAT by all at once',
    play: (stage) => playRaces(stage, { chosen: ['O_CREAT'], reusesName: false }),
  },
  'creates-top': {
    needs: ['distribute', 'top'],
    describe: 'the same in the top directory of the file system',
    play: (stage) =>
      playRaces(stage, {
        chosen: ['O_CREAT'],
        reusesName: false,
        rounds: 200,
        directory: `../${stage.seed}-`,
      }),
  },
  mkdirs: {
    needs: ['nobody'],
    describe: 'directories made by all at once',
    play: (stage) => playRaces(stage, { chosen: ['mkdir'], reusesName: false }),
  },
  links: {
    needs: ['nobody'],
    describe: 'one file linked to one name by all at once',
    play: (stage) => playRaces(stage, { chosen: ['link'], reusesName: false }),
  },
  renames: {
    needs: ['nobody'],
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
    needs: ['nobody'],
    describe: 'the same, and locks are of several bytes and changed in part',
    play: (stage) => playLocks(stage, { isKept: false, parts: true }),
  },
  'locks-kept': {
    needs: ['kept'],
    describe: 'the same, with the file kept open',
    play: (stage) => playLocks(stage, { isKept: true, parts: false }),
  },
  full: {
    needs: ['distribute'],
    describe: 'two mounts fill the file system',
    play: (stage) => fillUp(stage, [1, 1]),
    isAlone: true,
  },
  'full-one': {
    needs: ['distribute'],
    describe: 'one mount fills the file system',
    play: (stage) => fillUp(stage, [2]),
    isAlone: true,
  },
}

/** Those that can be played in a directory of this machine, which is not to be filled. */
export const localKinds = Object.entries(kinds).flatMap(([name, { isAlone }]) => (isAlone ? [] : [name]))
