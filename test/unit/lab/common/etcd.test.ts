import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { composeSite, hostsWith, labSite } from '../../../../lab/common/hosts.js'
import { serviceOf } from '../../../../lab/common/services.js'
import { etcdFlags } from '../../../../src/standalone/etcd.js'

const compaction = /--auto-compaction-mode[= ]periodic.*--auto-compaction-retention[= ]1h/
const quota = /--quota-backend-bytes[= ][0-9]/

describe('every etcd that is shipped compacts, and has a quota', () => {
  for (const [what, site] of [
    ['the lab in namespaces', labSite],
    ['the cluster in containers', composeSite],
  ] as const) {
    it(what, () => {
      for (const host of hostsWith('etcd', site)) {
        const words = serviceOf(host, 'etcd', site).argv.join(' ')
        expect(words).to.match(compaction)
        expect(words).to.match(quota)
      }
    })
  }

  it('standalone', () => {
    const words = etcdFlags({ directory: '/tmp', client: 'http://127.0.0.1:1', peer: 'http://127.0.0.1:2' }).join(' ')
    expect(words).to.match(compaction)
    expect(words).to.match(quota)
  })

  for (const file of ['README.md', 'docs/operating.md']) {
    it(file, () => {
      const text = readFileSync(file, 'utf8')
      expect(text).to.match(compaction)
      expect(text).to.match(quota)
    })
  }
})
