import type { SwapFacts } from '../agent/port/host.js'
import type { DesiredSwap } from '../model/documents/swap.js'
import type { SimulatedMachine } from './machine.js'

/** A swap file exists only while the volume that contains it is mounted. */
export function swapFacts(machine: SimulatedMachine, swap: DesiredSwap): SwapFacts {
  const isMounted = machine.clients.has(swap.path)
  const { file, isAttached, isEncrypted, isOn } = swapAt(machine, swap)
  return {
    mustEncrypt: true,
    isMounted,
    files: isMounted && file !== 'none' ? [{ isWhole: file === 'whole' }] : [],
    loops: isAttached ? [{ device: '/dev/loop0', isOn, ...(isEncrypted ? { mapping: 'whole' } : {}) }] : [],
  }
}

/** The two halves of an allocation: an agent that is killed between them leaves an incomplete file. */
export function allocate(machine: SimulatedMachine, swap: DesiredSwap): (() => void)[] {
  const make = (file: 'begun' | 'whole') => () => {
    if (!machine.clients.has(swap.path)) throw new Error(`${swap.path} is not mounted`)
    machine.swaps.set(swap.path, { ...swapAt(machine, swap), file })
  }
  return [make('begun'), make('whole')]
}

export function attach(machine: SimulatedMachine, swap: DesiredSwap): void {
  const found = swapAt(machine, swap)
  if (!machine.clients.has(swap.path) || found.file !== 'whole') throw new Error(`${swap.path} holds no swap file`)
  machine.swaps.set(swap.path, { ...found, isAttached: true })
}

export function encrypt(machine: SimulatedMachine, swap: DesiredSwap): void {
  const found = swapAt(machine, swap)
  if (!found.isAttached) throw new Error(`no loop device is attached to the swap file in ${swap.path}`)
  machine.swaps.set(swap.path, { ...found, isEncrypted: true })
}

export function enable(machine: SimulatedMachine, swap: DesiredSwap): void {
  const found = swapAt(machine, swap)
  if (!found.isAttached) throw new Error(`no loop device is attached to the swap file in ${swap.path}`)
  machine.swaps.set(swap.path, { ...found, isOn: true })
}

export function disable(machine: SimulatedMachine, swap: DesiredSwap): void {
  machine.swaps.set(swap.path, { ...swapAt(machine, swap), isOn: false })
}

export function close(machine: SimulatedMachine, swap: DesiredSwap): void {
  const found = swapAt(machine, swap)
  if (found.isOn) throw new Error('swap is still on')
  machine.swaps.set(swap.path, { ...found, isEncrypted: false })
}

export function detach(machine: SimulatedMachine, swap: DesiredSwap): void {
  const found = swapAt(machine, swap)
  if (found.isOn) throw new Error('swap is still on')
  if (found.isEncrypted) throw new Error('the encryption is still open')
  machine.swaps.set(swap.path, { ...found, isAttached: false })
}

export function remove(machine: SimulatedMachine, swap: DesiredSwap): void {
  if (swapAt(machine, swap).isAttached) throw new Error('the swap file is still attached')
  machine.swaps.delete(swap.path)
}

function swapAt(machine: SimulatedMachine, { path }: DesiredSwap) {
  return machine.swaps.get(path) ?? { file: 'none' as const, isAttached: false, isEncrypted: false, isOn: false }
}
