import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { runOnTree } from '../support/plantedTree.js'

/** What the wall tool says of a tree of these files. */
function cruise(files: Record<string, string>): Promise<{ code: number; text: string }> {
  return runOnTree(['depcruise', '--config', '.dependency-cruiser.js', 'src'], files)
}

const leaf = 'export const x = 1\n'

interface Table {
  rooms: Record<string, string[]>
  circleIn: (rooms: Record<string, string[]>) => string[] | undefined
}
const { rooms, circleIn } = (await import(pathToFileURL('.dependency-cruiser.js').href)) as Table

describe('the walls between rooms', () => {
  it('allow no circle of rooms', () => {
    expect(circleIn(rooms)).to.equal(undefined)
    const agent = [...rooms['src/agent/port']!, 'src/agent']
    expect(circleIn({ ...rooms, 'src/agent/port': agent })).to.include.members(['src/agent', 'src/agent/port'])
  })

  it('let an allowed import pass', async () => {
    const files = { 'src/model/x.ts': leaf, 'src/agent/plan/y.ts': "export { x } from '../../model/x.js'\n" }
    expect(await cruise(files)).to.include({ code: 0 })
  })

  describe('stop', () => {
    const forbidden = [
      ['src/model/agents.ts', '../agent/x.js', 'src/agent/x.ts'],
      ['src/agent/plan/store.ts', '../../store/x.js', 'src/store/x.ts'],
      ['src/agent/plan/host.ts', '../host/x.js', 'src/agent/host/x.ts'],
      ['src/agent/plan/plane.ts', './dataplane/glusterd/x.js', 'src/agent/plan/dataplane/glusterd/x.ts'],
      ['src/agent/host/client/plane.ts', '../dataplane/glusterd/x.js', 'src/agent/host/dataplane/glusterd/x.ts'],
      ['src/agent/host/staging/copy/y.ts', '../index.js', 'src/agent/host/staging/index.ts'],
      ['src/model/documents/y.ts', '../phase.js', 'src/model/phase.ts'],
      ['src/cli/client.ts', './commands/x.js', 'src/cli/commands/x.ts'],
      ['src/agent/host/disk/y.ts', '../../../scheduler/admission/x.js', 'src/scheduler/admission/x.ts'],
      ['src/scheduler/slurm/y.ts', '../../agent/host/x.js', 'src/agent/host/x.ts'],
      ['src/scheduler/desired/y.ts', '../admission/x.js', 'src/scheduler/admission/x.ts'],
      ['src/scheduler/desired/plane.ts', '../dataplane/glusterd/x.js', 'src/scheduler/dataplane/glusterd/x.ts'],
      ['src/scheduler/dataplane/glusterd/y.ts', '../../desired/x.js', 'src/scheduler/desired/x.ts'],
      ['src/scheduler/config.ts', './progress.js', 'src/scheduler/progress.ts'],
      ['src/cli/commands/y.ts', '../../store/x.js', 'src/store/x.ts'],
      ['src/daemon/y.ts', '../store/x.js', 'src/store/x.ts'],
    ] as const
    // All in one tree: the tool takes seconds to start, and names every arrow that it finds.
    let found: { code: number; text: string }
    before(async () => {
      found = await cruise({
        ...Object.fromEntries(forbidden.map(([, , to]) => [to, leaf])),
        ...Object.fromEntries(forbidden.map(([from, specifier]) => [from, `export { x } from '${specifier}'\n`])),
        'src/model/types.ts': "import type { x } from '../store/x.js'\nexport type Y = typeof x\n",
        'src/model/circle.ts': "import { y } from './round.js'\nexport const x = () => y\n",
        'src/model/round.ts': "import { x } from './circle.js'\nexport const y = () => x\n",
        'src/elsewhere/y.ts': leaf,
        'src/elsewhere/z.ts': "export * from './y.js'\n",
      })
    })

    for (const [from, , to] of forbidden)
      it(`${from} from importing ${to}`, () => {
        expect(found.code).to.be.greaterThan(0)
        expect(found.text).to.include(`${from} → ${to}`)
      })

    it('an import of types alone, too', () => {
      expect(found.text).to.include('src/model/types.ts → src/store/x.ts')
    })

    it('a circle of files', () => {
      expect(found.text).to.match(/no-circular: src\/model\/(circle|round)\.ts/)
    })

    it('a file in a folder that the table does not name', () => {
      expect(found.text).to.include('no-room: src/elsewhere/z.ts')
    })
  })
})
