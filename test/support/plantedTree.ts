import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'

/**
 * What a tool of this project says of a tree of these files: its exit code and its output. The tree has the configuration and the
 * packages of this project.
 */
export async function runOnTree(
  [program, ...args]: [program: string, ...args: string[]],
  files: Record<string, string>,
): Promise<{ code: number; text: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'planted-'))
  const ours = [
    '.dependency-cruiser.js',
    'docs',
    'node_modules',
    'package.json',
    'tsconfig.build.json',
    'tsconfig.json',
  ]
  try {
    for (const name of [...ours, 'typedoc.json']) await symlink(resolve(name), join(folder, name))
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), text)
    }
    const argv = [resolve('node_modules/.bin', program), ...args]
    return await promisify(execFile)(process.execPath, argv, { cwd: folder }).then(
      ({ stdout, stderr }) => ({ code: 0, text: stdout + stderr }),
      ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, text: stdout + stderr }),
    )
  } finally {
    await rm(folder, { recursive: true })
  }
}
