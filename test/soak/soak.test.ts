import { expect } from 'chai'
import { expectNothingLost, useFaultsLab } from '../support/faultsLab.js'
import { soak, tell, whyEmpty } from './soak.js'

const seed = Number(process.env['SEED'] ?? 7)
const minutes = 2

describe(`a soak of ${minutes} minutes with SEED=${seed}`, function () {
  this.timeout(900_000)
  const lab = useFaultsLab()

  it('loses nothing, and has jobs that completed and faults that happened', async () => {
    const counts = await soak(lab, { durationMs: minutes * 60_000, seed })
    console.log(tell(counts))
    await expectNothingLost(lab)
    expect(whyEmpty(counts), 'what makes it show nothing').to.equal(undefined)
  })
})
