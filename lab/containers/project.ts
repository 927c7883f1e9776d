import { resolve } from 'node:path'
import { must, run, type Result } from '../common/run.js'
import type { Reached } from './backend.js'
import * as messages from './messages.js'

const file = resolve(import.meta.dirname, '../../docker/compose.yaml')

/** docker/compose.yaml under the name of a project, with docker-compose or the plugin of docker. */
export class Project {
  private program: Promise<string[]> | undefined

  constructor(readonly name: string) {}

  /** The arguments that run a command of compose. */
  async words({ address }: Pick<Reached, 'address'>, argv: readonly string[], env: Record<string, string> = {}) {
    const variables = Object.entries({ DOCKER_HOST: address, ...env })
    const settings = variables.map(([key, value]) => `${key}=${value}`)
    return ['env', ...settings, ...(await (this.program ??= findProgram())), '-p', this.name, '-f', file, ...argv]
  }

  /** Builds the image of all hosts. Our own engine has no bridge, so the build uses the network of the host. */
  async build(engine: Reached, nodeImage: string, isShared: boolean): Promise<void> {
    const own = { BURSTBUFFER_BUILD_NETWORK: 'host', COMPOSE_DOCKER_CLI_BUILD: '0', DOCKER_BUILDKIT: '0' }
    const env = { BURSTBUFFER_NODE_IMAGE: nodeImage, ...(isShared ? {} : own) }
    const { code, stdout, stderr } = await this.run(engine, ['build', 'head'], env, 1_500_000)
    if (code === 0) return
    const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-25).join('\n')
    throw new Error(messages.imageNotBuilt(said))
  }

  async up(engine: Reached): Promise<void> {
    await this.must(engine, ['up', '-d', '--no-build'])
  }

  /** Removes containers, network and volumes. */
  async down(engine: Reached): Promise<void> {
    await this.must(engine, ['down', '--volumes', '--remove-orphans', '--timeout', '2'])
  }

  private async must(engine: Reached, argv: string[]): Promise<void> {
    const { code, stdout, stderr } = await this.run(engine, argv, {}, 280_000)
    if (code !== 0) throw new Error(messages.composeFailed(argv, code, (stderr || stdout).trim()))
  }

  private async run(engine: Reached, argv: string[], env: Record<string, string>, timeoutMs: number): Promise<Result> {
    return run(await this.words(engine, argv, env), { timeoutMs })
  }
}

/** `docker-compose`, or the newer plugin of `docker`. */
async function findProgram(): Promise<string[]> {
  for (const words of [['docker-compose'], ['docker', 'compose']]) {
    const works = await must([...words, 'version']).then(
      () => true,
      () => false,
    )
    if (works) return words
  }
  throw new Error(messages.noCompose())
}
