import { expect } from 'chai'
import { runOnTree } from '../support/plantedTree.js'

describe('the check of the comments of the API', () => {
  /** A file in each room that typedoc.json names. */
  const places = [
    'src/model/x.ts',
    'src/store/x.ts',
    'src/agent/port/host.ts',
    'src/agent/port/steps.ts',
    'src/agent/host/disk/x.ts',
  ]
  const functionOf = (path: string) => path.replace(/\W/g, '_')

  it('names each exported function without a comment, and no other', async () => {
    const files = places.map((path) => {
      const name = functionOf(path)
      return [path, `export function ${name}() {}\n/** Does nothing. */\nexport function ${name}_with() {}\n`]
    })
    const { code, text } = await runOnTree(
      ['typedoc', '--emit', 'none', '--logLevel', 'Warn'],
      Object.fromEntries(files) as Record<string, string>,
    )
    expect(code).to.be.greaterThan(0)
    for (const path of places) expect(text).to.include(`${functionOf(path)} (`)
    expect(text).to.not.include('_with')
  })
})
