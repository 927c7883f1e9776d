import { expect } from 'chai'
import { runProgram } from '../../support/program.js'

describe('a daemon in which a promise is rejected that nobody waits for', () => {
  it('says so and ends with 1, so that it is started anew', async function () {
    this.timeout(60_000)
    const { code, stderr } = await runProgram('test/support/failingDaemon.ts', [])
    const [logged] = stderr.split('\n')
    const line = JSON.parse(logged!) as Record<string, unknown>
    expect(line).to.include({ origin: 'unhandledRejection', level: 'error' })
    expect(line['message']).to.equal('uncaught error: the program ends, and must be restarted')
    expect(line['reason']).to.contain('nobody waits for this')
    expect(code).to.equal(1)
  })
})
