import { expect } from 'chai'
import { expectInvariants, type Remembered } from '../support/invariants.js'
import { sharedLab } from '../support/lab.js'
import { prepareForFaults } from '../support/remembered.js'
import { soak, tell, whyEmpty } from './soak.js'

const seed = Number(process.env['SEED'] ?? 7)
const minutes = 2

describe(`a soak of ${minutes} minutes with SEED=${seed}`, function () {
  this.timeout(900_000)
  let remembered: Remembered
  const useSoakLab = sharedLab('soak', async (lab) => {
    remembered = await prepareForFaults(lab)
  })
  const lab = useSoakLab()

  it('loses nothing, and has jobs that completed and faults that happened', async () => {
    const counts = await soak(lab, { durationMs: minutes * 60_000, seed })
    console.log(tell(counts))
    await expectInvariants(lab, remembered)
    expect(whyEmpty(counts), 'what makes it show nothing').to.equal(undefined)
  })
})
