import { expect } from 'chai'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { provideScript } from '../../../../../src/scheduler/slurm/functions/splitTask.js'

describe('the script of a task of a job array', () => {
  let stateSave: string
  let asked: string[]
  let shown: string
  beforeEach(() => {
    stateSave = mkdtempSync(join(tmpdir(), 'bb-state-'))
    mkdirSync(folderOf('120'), { recursive: true, mode: 0o700 })
    writeFileSync(scriptOf('120'), 'the script', { mode: 0o600 })
    asked = []
    shown = 'JobId=123 ArrayJobId=120 ArrayTaskId=3 JobName=x'
  })
  afterEach(() => rmSync(stateSave, { recursive: true }))

  const folderOf = (id: string) => join(stateSave, `hash.${Number(id) % 10}`, `job.${id}`)
  const scriptOf = (id: string) => join(folderOf(id), 'script')
  const slurm = {
    showJob: (id: string) => {
      asked.push(id)
      return Promise.resolve(shown)
    },
    stateSaveLocation: () => {
      asked.push('config')
      return Promise.resolve(stateSave)
    },
  }
  const provide = (token = '123', jobFile = scriptOf(token)) => provideScript(slurm, token, jobFile)

  it('is made from that of the array, in a folder for slurmctld alone, as slurmctld would', async () => {
    expect(await provide()).to.equal(undefined)
    expect(readFileSync(scriptOf('123'), 'utf8')).to.equal('the script')
    expect(statSync(scriptOf('123')).ino).to.equal(statSync(scriptOf('120')).ino)
    expect(statSync(folderOf('123')).mode & 0o777).to.equal(0o700)
  })

  it('is made too when the script that is named lies in memory', async () => {
    expect(await provide('123', '/proc/77/fd/12')).to.equal(undefined)
    expect(readFileSync(scriptOf('123'), 'utf8')).to.equal('the script')
    expect(asked).to.deep.equal(['config', '123'])
  })

  it('is made in a folder that is there already', async () => {
    mkdirSync(folderOf('123'), { recursive: true, mode: 0o700 })
    expect(await provide()).to.equal(undefined)
    expect(existsSync(scriptOf('123'))).to.equal(true)
  })

  it('is left alone, and slurmctld not asked, when it is there', async () => {
    mkdirSync(folderOf('123'), { recursive: true, mode: 0o700 })
    writeFileSync(scriptOf('123'), 'its own')
    expect(await provide()).to.equal(undefined)
    expect(readFileSync(scriptOf('123'), 'utf8')).to.equal('its own')
    expect(asked).to.deep.equal([])
  })

  const others: [string, () => [token?: string, jobFile?: string]][] = [
    ['a job that is no array', () => ((shown = 'JobId=123 JobName=x ArrayJobId=120 ArrayTaskId=3'), [])],
    ['another job than the one asked for', () => ((shown = 'JobId=124 ArrayJobId=120 ArrayTaskId=3'), [])],
    ['the last task, which is the array', () => ((shown = 'JobId=123 ArrayJobId=123 ArrayTaskId=3'), [])],
    ['a persistent buffer', () => ['mytest']],
    ['a script of another job', () => ['123', scriptOf('133')]],
    ['a script that lies elsewhere', () => ['123', join(stateSave, 'job.123', 'script')]],
    ['a path that leads elsewhere', () => ['123', join(stateSave, 'x') + '/../hash.3/job.123/script']],
  ]
  for (const [what, given] of others) {
    it(`is not made for ${what}`, async () => {
      expect(await provide(...given())).to.equal(undefined)
      expect(existsSync(scriptOf('123'))).to.equal(false)
    })
  }

  const refused: [string, () => void, RegExp][] = [
    ['a folder that is a link', () => symlinkSync('/tmp', join(stateSave, 'hash.3')), /hash.3" is not a directory/],
    ["the task's folder a link", () => linkFolder(), /job.123" is not a directory/],
    ["an array's script that is a link", () => linkScript(), /job.120\/script" is not a regular file/],
    ["no array's script", () => rmSync(scriptOf('120')), /job.120\/script" is not a regular file/],
    ['a place where others may write', () => chmodSync(stateSave, 0o777), /must belong to the scheduler's user/],
  ]
  for (const [what, prepare, told] of refused) {
    it(`is not made from ${what}, and the reason is told`, async () => {
      prepare()
      expect(await provide()).to.match(told)
      expect(existsSync(scriptOf('123'))).to.equal(false)
    })
  }
  function linkFolder() {
    mkdirSync(join(stateSave, 'hash.3'), { mode: 0o700 })
    symlinkSync(folderOf('120'), folderOf('123'))
    rmSync(scriptOf('120'))
  }
  function linkScript() {
    rmSync(scriptOf('120'))
    symlinkSync('/etc/passwd', scriptOf('120'))
  }

  it('is not made over a link that stands in its place', async () => {
    mkdirSync(folderOf('123'), { recursive: true, mode: 0o700 })
    symlinkSync('/nowhere', scriptOf('123'))
    expect(await provide()).to.equal(undefined)
    expect(lstatSync(scriptOf('123')).isSymbolicLink()).to.equal(true)
  })
})
