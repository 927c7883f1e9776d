/** Which ports of bricks, and who may connect to them: names, addresses or networks. */
export interface Admission {
  ports: readonly number[]
  clients: readonly string[]
}

/** Who may connect to the ports of bricks. All throw when nobody can say or see to it. */
export interface BrickFence {
  /** These clients may connect to the volume's ports, which are these, and nobody else. */
  isAdmitted(volume: string, wanted: Admission): Promise<boolean>
  /** Lets these clients, and nobody else, connect to these ports of the volume. May be repeated. */
  admit(volume: string, wanted: Admission): Promise<void>
  /** All that is in it, by volume. */
  admitted(): Promise<ReadonlyMap<string, Pick<Admission, 'ports'>>>
  /** Something of the volume is in it. */
  isLeft(volume: string): Promise<boolean>
  /** Nobody may connect to its ports any more. */
  release(volume: string): Promise<void>
}

/** Where there is none nothing is served. */
export function noFence(reason: string): BrickFence {
  const refuse = () => Promise.reject(new Error(reason))
  return {
    isAdmitted: refuse,
    admit: refuse,
    admitted: () => Promise.resolve(new Map()),
    isLeft: () => Promise.resolve(false),
    release: () => Promise.resolve(),
  }
}
