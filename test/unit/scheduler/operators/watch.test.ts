import { expect } from 'chai'
import { silentLog } from '../../../../src/daemon/log.js'
import type { Reply } from '../../../../src/scheduler/http/server.js'
import { type Shown, Watchers } from '../../../../src/scheduler/operators/watch.js'
import { HandClock } from '../../../support/handClock.js'

const turns = async () => {
  for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve))
}

describe('a watch', () => {
  let clock: HandClock
  let listeners: Set<() => void>
  let watchers: Watchers
  let failures: unknown[]
  beforeEach(() => {
    clock = new HandClock()
    listeners = new Set()
    failures = []
    const decisions = {
      onChange: (callback: () => void) => {
        listeners.add(callback)
        return () => listeners.delete(callback)
      },
    }
    const log = { ...silentLog, error: (_: string, fields?: object) => void failures.push(fields) }
    watchers = new Watchers({ decisions, clock, log })
  })
  const change = () => [...listeners].forEach((listener) => listener())
  const open = (show: () => Promise<Shown>, write: (line: string) => Promise<void> = () => Promise.resolve()) => {
    let gone = () => {}
    let isEnded = false
    const reply: Reply = watchers.open(show, 1_000, (callback) => (gone = callback))
    if ('stream' in reply) reply.stream(write, () => (isEnded = true))
    return { reply, gone: () => gone(), isEnded: () => isEnded }
  }

  it('looks once a second however often the cluster changes, and misses no change', async () => {
    let looks = 0
    let value = 0
    const lines: string[] = []
    open(
      () => (looks++, Promise.resolve({ line: String(value) })),
      (line) => (lines.push(line), Promise.resolve()),
    )
    for (let n = 0; n < 100; n++) {
      value = n
      change()
      await turns()
    }
    expect(looks).to.equal(1)
    clock.advance(1_000)
    await turns()
    expect(looks).to.equal(2)
    expect(lines).to.deep.equal(['0', '99'])
    clock.advance(60_000)
    await turns()
    expect(looks).to.equal(2)
    value = 7
    change()
    await turns()
    expect(lines.at(-1)).to.equal('7')
  })

  it('looks again when what it was shown was old', async () => {
    const shown = [{ line: 'a', isOld: true }, { line: 'b' }]
    const lines: string[] = []
    open(
      () => Promise.resolve(shown.shift()!),
      (line) => (lines.push(line), Promise.resolve()),
    )
    await turns()
    clock.advance(1_000)
    await turns()
    expect(lines).to.deep.equal(['a', 'b'])
  })

  it('ends with what cannot be shown or written, and says why', async () => {
    const broken = open(() => Promise.reject(new Error('it is broken')))
    await turns()
    expect(broken.isEnded()).to.equal(true)
    expect(JSON.stringify(failures)).to.contain('it is broken')
    expect(listeners.size).to.equal(0)
  })

  it('leaves no listener when its reader has gone, also while it waits', async () => {
    const watch = open(() => Promise.resolve({ line: 'a' }))
    await turns()
    clock.advance(1_000)
    await turns()
    expect(listeners.size).to.equal(1)
    watch.gone()
    await turns()
    expect(listeners.size).to.equal(0)
  })

  it('shows nothing to a reader that has gone before the first look', async () => {
    let looks = 0
    let gone = () => {}
    const reply: Reply = watchers.open(
      () => (looks++, Promise.resolve({ line: 'a' })),
      1_000,
      (callback) => (gone = callback),
    )
    gone()
    let isEnded = false
    if ('stream' in reply)
      reply.stream(
        () => Promise.resolve(),
        () => (isEnded = true),
      )
    await turns()
    expect({ looks, isEnded, listeners: listeners.size }).to.deep.equal({ looks: 0, isEnded: true, listeners: 0 })
  })

  it('is refused beside 64 others, until one of them has gone', () => {
    const all = Array.from({ length: 64 }, () => open(() => Promise.resolve({ line: 'a' })))
    expect(open(() => Promise.resolve({ line: 'a' })).reply).to.include({ status: 503 })
    all[0]!.gone()
    expect(open(() => Promise.resolve({ line: 'a' })).reply).to.have.property('stream')
  })
})
