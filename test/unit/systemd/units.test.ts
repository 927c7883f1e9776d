import { expect } from 'chai'
import { readFileSync } from 'node:fs'

const unit = (name: string) => readFileSync(`systemd/${name}.service`, 'utf8').split('\n')

describe('the units', () => {
  for (const name of ['bb-agent', 'bb-scheduler']) {
    it(`${name} shows nobody what it writes, leaves no core dumps and gets no more rights`, () => {
      const always = ['UMask=0077', 'LimitCORE=0', 'NoNewPrivileges=yes', 'SystemCallArchitectures=native']
      expect(unit(name)).to.include.members(always)
    })
  }

  it('have runtime directories of their own', () => {
    expect(unit('bb-agent')).to.include.members(['RuntimeDirectory=burstbuffer-agent', 'RuntimeDirectoryMode=0700'])
    expect(unit('bb-scheduler')).to.include.members(['RuntimeDirectory=burstbuffer', 'RuntimeDirectoryMode=0750'])
  })

  it('give the scheduler no right of root, and only calls that services need', () => {
    expect(unit('bb-scheduler')).to.include.members([
      'User=slurm',
      'CapabilityBoundingSet=',
      'SystemCallFilter=@system-service',
      'SystemCallErrorNumber=EPERM',
      'TasksMax=1024',
      'MemoryMax=2G',
      'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6',
    ])
  })

  it('let any number of clients of GlusterFS live in the agent’s control group, and outlive the agent', () => {
    expect(unit('bb-agent')).to.include.members(['TasksMax=infinity', 'KillMode=process'])
  })

  it('give the agent some of root’s rights, and no mount namespace, in which its mounts would stay', () => {
    expect(unit('bb-agent')).to.include('RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK')
    expect(unit('bb-agent').filter((line) => /^CapabilityBoundingSet=CAP_/.test(line))).to.have.length(1)
    const apart =
      /^(Protect(System|Home|KernelTunables|KernelModules|KernelLogs|ControlGroups|Hostname|Clock|Proc)|ProcSubset|Private\w+|ReadOnlyPaths|ReadWritePaths|InaccessiblePaths|TemporaryFileSystem|Bind\w*Paths|Root\w+|MountFlags|DynamicUser|DeviceAllow|DevicePolicy)=/
    expect(unit('bb-agent').filter((line) => apart.test(line))).to.deep.equal([])
  })
})
