import { expect } from 'chai'
import type { SwapFacts } from '../../../../src/agent/port/host.js'
import { placeOfSwapToBeMounted } from '../../../../src/agent/plan/messages.js'
import { planSwap } from '../../../../src/agent/plan/swap.js'
import { describeStep } from '../../../../src/agent/port/steps.js'
import { parseSwaps } from '../../../../src/agent/host/client/swapLoops.js'
import { aDesiredSwap, swapFacts } from '../../../support/desired.js'

function planned(facts: Partial<SwapFacts>, wanted: 'on' | 'absent' = 'on') {
  const { steps, waitingFor, refused, report } = planSwap(aDesiredSwap({ wanted }), swapFacts(facts))
  const verbs = steps.map((step) => describeStep(step).split(' in ')[0])
  return { verbs, waitingFor, refused, state: report.state }
}

const whole = [{ isWhole: true }]
const off = [{ device: '/dev/loop7', isOn: false }]
const on = [{ device: '/dev/loop7', isOn: true }]
const begun = [{ device: '/dev/loop7', isOn: false, mapping: 'begun' as const }]
const mapped = [{ device: '/dev/loop7', isOn: false, mapping: 'whole' as const }]
const onMapped = [{ device: '/dev/loop7', isOn: true, mapping: 'whole' as const }]
const allocate = 'allocate 67108864 bytes of swap'
const attach = 'attach the swap file'
const encrypt = 'encrypt the swap'

describe('the plan of swap that is wanted', () => {
  it('is empty where it is on, be it in clear, as a release that did not encrypt has left it', () => {
    for (const loops of [onMapped, on]) {
      expect(planned({ files: whole, loops })).to.deep.equal({
        verbs: [],
        waitingFor: [],
        refused: undefined,
        state: 'on',
      })
    }
  })

  it('does what is not done yet, from wherever an earlier run was killed', () => {
    const from = (facts: Partial<SwapFacts>) => planned(facts).verbs
    expect(from({})).to.deep.equal([allocate, attach, encrypt, 'turn swap'])
    expect(from({ files: [{ isWhole: false }] })).to.deep.equal([allocate, attach, encrypt, 'turn swap'])
    expect(from({ files: whole })).to.deep.equal([attach, encrypt, 'turn swap'])
    expect(from({ files: whole, loops: off })).to.deep.equal([encrypt, 'turn swap'])
    expect(from({ files: whole, loops: begun })).to.deep.equal([encrypt, 'turn swap'])
    expect(from({ files: whole, loops: mapped })).to.deep.equal(['turn swap'])
  })

  it('encrypts nothing where the settings allow swap in clear, but goes on with what was begun', () => {
    const from = (facts: Partial<SwapFacts>) => planned({ ...facts, mustEncrypt: false }).verbs
    expect(from({})).to.deep.equal([allocate, attach, 'turn swap'])
    expect(from({ files: whole, loops: off })).to.deep.equal(['turn swap'])
    expect(from({ files: whole, loops: begun })).to.deep.equal([encrypt, 'turn swap'])
    expect(from({ files: whole, loops: mapped })).to.deep.equal(['turn swap'])
  })

  it('makes nothing where the buffer is not mounted', () => {
    const { verbs, waitingFor, state } = planned({ isMounted: false })
    expect([verbs, state]).to.deep.equal([[], 'forming'])
    expect(waitingFor).to.deep.equal([placeOfSwapToBeMounted('3/swap/c1', '/mnt/burstbuffer/3.20/swap')])
  })

  it('is refused, with the reason, where the kernel has no swap', () => {
    expect(planned({ unsupported: 'no CONFIG_SWAP' })).to.include({ refused: 'no CONFIG_SWAP', state: 'forming' })
  })
})

describe('the plan of swap that has to go', () => {
  const from = (facts: Partial<SwapFacts>) => planned(facts, 'absent')

  it('goes back the same way, from wherever an earlier run was killed', () => {
    const detach = 'detach the swap file'
    const remove = 'remove the swap file'
    expect(from({ files: whole, loops: on }).verbs).to.deep.equal(['turn swap', detach, remove])
    expect(from({ files: whole, loops: off }).verbs).to.deep.equal([detach, remove])
    expect(from({ files: [{ isWhole: false }] }).verbs).to.deep.equal([remove])
    expect(from({ loops: on }).verbs).to.deep.equal(['turn swap', detach])
    const close = 'close the encryption of the swap'
    expect(from({ files: whole, loops: onMapped }).verbs).to.deep.equal(['turn swap', close, detach, remove])
    expect(from({ files: whole, loops: mapped }).verbs).to.deep.equal([close, detach, remove])
    expect(from({ files: whole, loops: begun }).verbs).to.deep.equal([close, detach, remove])
  })

  it('is absent only when nothing of it is left', () => {
    expect(from({})).to.deep.include({ verbs: [], state: 'absent' })
    expect(from({ isMounted: false })).to.deep.include({ verbs: [], state: 'absent' })
    for (const facts of [{ files: whole }, { loops: off }, { loops: on }]) expect(from(facts).state).to.equal('leaving')
  })
})

describe('/proc/swaps', () => {
  it('is read by the names of the devices, wherever their nodes are', () => {
    const text = [
      'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority',
      '/dev/loop41                             partition\t262140\t\t0\t\t0',
      '/loop7 partition 1 0 -2',
      '',
    ].join('\n')
    expect([...parseSwaps(text)]).to.deep.equal(['loop41', 'loop7'])
  })
})
