import { expect } from 'chai'
import { setMaxListeners } from 'node:events'
import { type Turns, turnsOf } from '../../../../../src/agent/host/staging/turns.js'

const slots = (slots: number) => ({ host: { slots }, user: {}, paths: {} })
const never = new AbortController().signal
setMaxListeners(0, never)

/** Tasks that the test ends, by their names. */
function work(turns: Turns) {
  const began: string[] = []
  const running = new Map<string, () => void>()
  return {
    began,
    ask: (uid: number, transfer: string, name: string, signal = never, path?: string) =>
      turns({ uid, transfer, signal, path }, async (giveBack) => {
        began.push(name)
        await new Promise<void>((resolve) => {
          running.set(name, resolve)
          givers.set(name, giveBack)
        })
      }),
    end: async (name?: string) => {
      await settled()
      name ??= began.at(-1)!
      running.get(name)!()
      await new Promise((resolve) => setImmediate(resolve))
    },
    quiet: async (name: string) => {
      givers.get(name)!()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}
const givers = new Map<string, () => void>()
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('turns of transfers', () => {
  it('runs so many at a time, and no more', async () => {
    const { ask, began, end } = work(turnsOf(slots(2)))
    for (const name of ['a', 'b', 'c']) void ask(1, 't', name)
    await settled()
    expect(began).to.deep.equal(['a', 'b'])
    await end('a')
    expect(began).to.deep.equal(['a', 'b', 'c'])
  })

  it('gives a user no more slots than a user may have, and the others to others', async () => {
    const { ask, began, end } = work(turnsOf({ host: { slots: 3 }, user: { slots: 1 }, paths: {} }))
    for (const name of ['a', 'b']) void ask(1, 't', name)
    await settled()
    expect(began).to.deep.equal(['a'])
    void ask(2, 'u', 'c')
    await settled()
    expect(began).to.deep.equal(['a', 'c'])
    await end('a')
    expect(began).to.deep.equal(['a', 'c', 'b'])
  })

  it('gives what is below a path no more slots than that may have, and begins all that the end of a task allows', async () => {
    const limits = { host: { slots: 3 }, user: { slots: 1 }, paths: { '/slow': { slots: 1 } } }
    const { ask, began, end } = work(turnsOf(limits))
    void ask(1, 't', 'a', never, '/slow')
    void ask(1, 't', 'b')
    void ask(2, 'u', 'c', never, '/slow')
    await settled()
    expect(began).to.deep.equal(['a'])
    await end('a')
    expect(began).to.have.members(['a', 'b', 'c'])
  })

  it('lets a user with one small transfer wait for one task of another, however many those wait with', async () => {
    const { ask, began, end } = work(turnsOf(slots(1)))
    for (let n = 0; n < 100; n++) void ask(1, `big${n % 10}`, `big ${n}`)
    void ask(2, 'small', 'small')
    await end('big 0')
    expect(began.at(-1)).to.equal('small')
  })

  it('goes round the transfers of a user, each one task', async () => {
    const { ask, began, end } = work(turnsOf(slots(1)))
    for (const name of ['a1', 'a2', 'a3', 'b1', 'c1']) void ask(1, name[0]!, name)
    for (let n = 0; n < 4; n++) await end()
    expect(began).to.deep.equal(['a1', 'b1', 'c1', 'a2', 'a3'])
  })

  it('does not let those go first again and again who ask anew after each task', async () => {
    const { ask, began, end } = work(turnsOf(slots(1)))
    void ask(1, 'a', 'a')
    void ask(2, 'b', 'b')
    void ask(3, 'c', 'c')
    for (let n = 0; n < 2; n++) {
      await settled()
      const last = began.at(-1)!
      void ask(last === 'a' ? 1 : 2, last, last)
      await end(last)
    }
    expect(began).to.deep.equal(['a', 'b', 'c'])
  })

  it('rejects at once what is not wanted any more, and starts nothing for it', async () => {
    const { ask, began, end } = work(turnsOf(slots(1)))
    const abort = new AbortController()
    void ask(1, 'a', 'a')
    const waiting = ask(2, 'b', 'b', abort.signal).catch((error: unknown) => String(error))
    abort.abort()
    expect(await waiting).to.contain('aborted')
    expect(await ask(2, 'b', 'b', abort.signal).catch((error: unknown) => String(error))).to.contain('aborted')
    await end('a')
    expect(began).to.deep.equal(['a'])
  })

  it('keeps the slot of a task that is told to end until it has ended', async () => {
    const { ask, began, end } = work(turnsOf(slots(1)))
    const abort = new AbortController()
    void ask(1, 'a', 'a', abort.signal)
    void ask(2, 'b', 'b')
    await settled()
    abort.abort()
    await settled()
    expect(began).to.deep.equal(['a'])
    await end('a')
    expect(began).to.deep.equal(['a', 'b'])
  })

  it('goes on with others while a task does nothing, and takes its slot back once', async () => {
    const { ask, began, end, quiet } = work(turnsOf(slots(1)))
    for (const name of ['a', 'b', 'c']) void ask(1, 't', name)
    await settled()
    await quiet('a')
    await quiet('a')
    expect(began).to.deep.equal(['a', 'b'])
    await end('a')
    expect(began).to.deep.equal(['a', 'b'])
  })
})
