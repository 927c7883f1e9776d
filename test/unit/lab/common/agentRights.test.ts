import { expect } from 'chai'
import { composeSite, hostNamed, labSite } from '../../../../lab/common/hosts.js'
import { serviceOf } from '../../../../lab/common/services.js'

describe('the agents of the lab and of the cluster in containers', () => {
  for (const [name, site] of [
    ['lab', labSite],
    ['containers', composeSite],
  ] as const) {
    it(`have no right that their unit does not leave them: ${name}`, () => {
      const { argv } = serviceOf(hostNamed('c1', site), 'agent', site)
      expect(argv.slice(0, 2)).to.deep.equal(['setpriv', '--no-new-privs'])
      expect(argv[2]).to.match(/^--bounding-set=-all,\+chown,.*\+sys_admin/)
      for (const right of ['sys_module', 'sys_rawio', 'mknod', 'sys_time']) expect(argv[2]).to.not.include(right)
    })
  }
})
