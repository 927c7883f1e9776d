import { expect } from 'chai'
import { parseBurstBuffer } from '../../../../lab/demo/slurm.js'

const shown = `Name=datawarp DefaultPool=dedicated_nvme Granularity=1TB TotalSpace=20TB FreeSpace=16TB UsedSpace=4TB
  Flags=EnablePersistent
  StageInTimeout=86400 StageOutTimeout=86400 ValidateTimeout=5 OtherTimeout=300
  AllowUsers=alice,bob
  GetSysState=/opt/burstbuffer/dist/bin/dw_wlm_cli
  Allocated Buffers:
    JobID=2 CreateTime=2026-11-23T08:49:40 Pool=dedicated_nvme Size=3TB State=staged-in UserID=bob(20002)
    Name=mytestbuffer CreateTime=2026-11-23T08:49:40 Pool=dedicated_nvme Size=1TB State=allocated UserID=alice(20001)
  Per User Buffer Use:
    UserID=alice(20001) Used=1TB
    UserID=bob(20002) Used=3TB
`

describe('the demo reads scontrol show burstbuffer', () => {
  it('takes the sizes of the pool from the first line', () => {
    const { defaultPool, granularity, total, free, used } = parseBurstBuffer(shown)
    expect({ defaultPool, granularity, total, free, used }).to.deep.equal({
      defaultPool: 'dedicated_nvme',
      granularity: '1TB',
      total: '20TB',
      free: '16TB',
      used: '4TB',
    })
  })

  it('tells a job buffer from a persistent one', () => {
    expect(parseBurstBuffer(shown).buffers).to.deep.equal([
      { jobId: '2', size: '3TB', state: 'staged-in', user: 'bob' },
      { name: 'mytestbuffer', size: '1TB', state: 'allocated', user: 'alice' },
    ])
  })

  it('takes the use of each user', () => {
    expect(parseBurstBuffer(shown).useOf).to.deep.equal({ alice: '1TB', bob: '3TB' })
  })

  it('sees no buffers where none are', () => {
    expect(parseBurstBuffer('Name=datawarp DefaultPool=p TotalSpace=1TB').buffers).to.deep.equal([])
  })
})
