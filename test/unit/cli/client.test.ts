import { expect } from 'chai'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openClient } from '../../../src/cli/client.js'

describe('the client of the scheduler', () => {
  const directory = mkdtempSync(join(tmpdir(), 'burstbuffer-client-'))
  const socket = join(directory, 'scheduler.sock')
  const asked: string[] = []
  let server: Server
  before(async () => {
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      response.end('{}\n')
    }).listen(socket)
    await once(server, 'listening')
  })
  after(() => {
    server.close()
    rmSync(directory, { recursive: true })
  })

  it('escapes what it puts into a path and a query', async () => {
    const client = openClient(socket)
    await client.call('showBuffer', { name: 'a/b?c' })
    await client.call('destroyBuffer', { name: 'mytest', query: { force: 'true' } })
    await client.call('destroyBuffer', { name: 'mytest', query: {} })
    await client.call('cordonDevice', { host: 'gluster1', device: '', body: { who: 'test', why: 'test' } })
    await client.watch({ name: 'a&b' }).next()
    expect(asked).to.deep.equal([
      'GET /v1/buffers/a%2Fb%3Fc',
      'DELETE /v1/buffers/mytest?force=true',
      'DELETE /v1/buffers/mytest',
      'PUT /v1/cordons/gluster1/',
      'GET /v1/watch?name=a%26b',
    ])
  })
})
