import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'

/** What the wall tool says of a tree of these files: its exit code and its words. */
async function cruise(files: Record<string, string>): Promise<{ code: number; text: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'walls-'))
  try {
    for (const name of ['.dependency-cruiser.js', 'tsconfig.json', 'node_modules', 'package.json'])
      await symlink(resolve(name), join(folder, name))
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), text)
    }
    const run = promisify(execFile)(
      process.execPath,
      [resolve('node_modules/.bin/depcruise'), '--config', '.dependency-cruiser.js', 'src'],
      { cwd: folder },
    )
    return await run.then(
      ({ stdout }) => ({ code: 0, text: stdout }),
      (error: { code: number; stdout: string }) => ({ code: error.code, text: error.stdout }),
    )
  } finally {
    await rm(folder, { recursive: true })
  }
}

const leaf = 'export const x = 1\n'

describe('the walls between rooms', () => {
  it('let an allowed import pass', async () => {
    const files = { 'src/model/x.ts': leaf, 'src/agent/plan/y.ts': "export { x } from '../../model/x.js'\n" }
    expect(await cruise(files)).to.include({ code: 0 })
  })

  const forbidden = [
    ['src/model/y.ts', '../agent/x.js', 'src/agent/x.ts'],
    ['src/agent/plan/y.ts', '../../store/x.js', 'src/store/x.ts'],
    ['src/agent/plan/y.ts', '../host/x.js', 'src/agent/host/x.ts'],
    ['src/agent/host/disk/y.ts', '../../../scheduler/admission/x.js', 'src/scheduler/admission/x.ts'],
    ['src/scheduler/slurm/y.ts', '../../agent/host/x.js', 'src/agent/host/x.ts'],
    ['src/scheduler/desired/y.ts', '../admission/x.js', 'src/scheduler/admission/x.ts'],
    ['src/scheduler/config.ts', './progress.js', 'src/scheduler/progress.ts'],
    ['src/cli/commands/y.ts', '../../store/x.js', 'src/store/x.ts'],
    ['src/daemon/y.ts', '../store/x.js', 'src/store/x.ts'],
  ] as const
  for (const [from, specifier, to] of forbidden)
    it(`stop ${from} from importing ${to}`, async () => {
      const { code, text } = await cruise({ [to]: leaf, [from]: `export { x } from '${specifier}'\n` })
      expect(code).to.be.greaterThan(0)
      expect(text).to.include(`${from} → ${to}`)
    })

  it('stop an import of types alone, too', async () => {
    const { code } = await cruise({
      'src/store/x.ts': 'export type X = 1\n',
      'src/model/y.ts': "import type { X } from '../store/x.js'\nexport type Y = X\n",
    })
    expect(code).to.be.greaterThan(0)
  })

  it('stop a circle of files', async () => {
    const { code, text } = await cruise({
      'src/model/x.ts': "import { y } from './y.js'\nexport const x = () => y\n",
      'src/model/y.ts': "import { x } from './x.js'\nexport const y = () => x\n",
    })
    expect(code).to.be.greaterThan(0)
    expect(text).to.include('no-circular')
  })

  it('stop a file in a folder that the table does not name', async () => {
    const { code, text } = await cruise({
      'src/elsewhere/y.ts': leaf,
      'src/elsewhere/z.ts': "export * from './y.js'\n",
    })
    expect(code).to.be.greaterThan(0)
    expect(text).to.include('no-room')
  })
})
