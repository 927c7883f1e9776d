import { expect } from 'chai'
import type { BufferView } from '../../../src/model/api.js'
import { unknownToScheduler, unknownToSlurm } from '../../../src/cli/messages.js'
import { parseSlurmList, slurmDifferences } from '../../../src/cli/slurmList.js'

const shown = `Name=datawarp DefaultPool=dedicated_nvme Granularity=1TB TotalSpace=20TB FreeSpace=16TB UsedSpace=4TB
  Flags=EnablePersistent
  Allocated Buffers:
    Name=mytestbuffer CreateTime=2026-11-24T21:00:00 Pool=dedicated_nvme Size=1TB State=allocated UserID=alice(20001)
    JobID=347 CreateTime=2026-11-24T21:01:00 Pool=dedicated_nvme Size=3TB State=allocated UserID=alice(20001)
    JobID=350_2(352) CreateTime=2026-11-24T21:01:00 Pool=dedicated_nvme Size=1TB State=staged-in UserID=bob(20002)
  Per User Buffer Use:
    UserID=alice(20001) Used=4TB
`
const view = (name: string, phase = 'ready') => ({ name, phase }) as BufferView

describe("Slurm's list of buffers", () => {
  it('is read by name and by job, a task of an array by its own id', () => {
    expect(parseSlurmList(shown)).to.deep.equal(['mytestbuffer', '347', '352'])
  })

  it('is compared in both directions; what is not ready or has no session is not missed', () => {
    const found = slurmDifferences(
      ['347', '999'],
      [view('347'), view('mytest'), view('new', 'creating-bricks'), view('alone')],
      ['347', 'mytest', 'new'].map((token) => ({ token, stage: 'allocated' as const })),
      'dw_wlm_cli',
    )
    const { where } = unknownToSlurm('mytest', '')
    expect(found.map(({ where }) => where)).to.deep.equal([unknownToScheduler('999').where, where])
  })
})
