import type { Cluster } from '../../lab/common/interface.js'
import { expectInvariants, type Remembered } from './invariants.js'
import { sharedLab } from './lab.js'
import { prepareForFaults } from './remembered.js'

export { labTestMs } from './lab.js'
export { enduring } from './remembered.js'

let remembered: Remembered

/** The lab of the suite of faults, FAULTS_LAB its id: disks of others in it, and a persistent buffer with a file. */
export const useFaultsLab = sharedLab(process.env['FAULTS_LAB'] ?? 'faults', async (lab) => {
  remembered = await prepareForFaults(lab)
})

/** What holds after every fault, of the disks and the file that were there before the first. */
export const expectNothingLost = (lab: Cluster) => expectInvariants(lab, remembered)
