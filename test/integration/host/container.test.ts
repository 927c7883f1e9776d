import type Docker from 'dockerode'
import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { killedBy, notStarted } from '../../../src/agent/host/exec/messages.js'
import { until } from '../../../lab/common/until.js'
import { FollowedContainer } from '../../../src/agent/host/dataplane/glusterd/container.js'
import { containerRun } from '../../../src/agent/host/dataplane/glusterd/containerRun.js'
import { engineAt } from '../../../src/agent/host/dataplane/glusterd/engine.js'
import { realHost } from '../../../src/agent/host/index.js'
import { CommandError, type Run, runCommand } from '../../../src/agent/host/exec/run.js'
import { type GlusterfsVolumeFacts, Unavailable } from '../../../src/agent/port/host.js'
import { systemClock } from '../../../src/daemon/clock.js'
import { silentLog } from '../../../src/daemon/log.js'
import { brickMountPath, brickRoot } from '../../../src/model/cluster.js'
import type { DesiredBrick } from '../../../src/model/documents/brick.js'
import type { GlusterfsVolume } from '../../../src/model/documents/volume.js'
import { sharedRoot, useEngine } from '../../support/docker.js'
import { LoopDevices } from '../../support/loopDevices.js'

describe('GlusterFS in a container (root, container engine)', () => {
  const name = `bbtest${process.pid}`
  const idle = ['sleep', 'infinity']
  const here = useEngine()

  async function make(options: Docker.ContainerCreateOptions = {}, started = true): Promise<Docker.Container> {
    const container = await here.engine.docker.createContainer({
      name,
      Image: here.images.gluster,
      Hostname: name,
      Cmd: idle,
      StopTimeout: 0,
      ...options,
      HostConfig: {
        NetworkMode: 'none',
        CapAdd: ['SYS_ADMIN'],
        ExtraHosts: [`${name}:127.0.0.1`],
        Binds: [`${brickRoot}:${brickRoot}:rshared`],
        Init: true,
        ...options.HostConfig,
      },
    })
    if (started) await container.start()
    return container
  }

  async function removed(): Promise<void> {
    await here.engine?.docker
      .getContainer(name)
      .remove({ force: true })
      .catch(() => {})
  }

  async function failure(act: Promise<unknown>): Promise<Error> {
    return act.then(
      () => {
        throw new Error('it did not fail')
      },
      (error: unknown) => error as Error,
    )
  }

  describe('a command does as on the host', () => {
    const inside: Run = (argv, options) => containerRun(engineAt(here.engine.socket), name)(argv, options)
    const places: [string, Run][] = [
      ['the host', runCommand],
      ['a container', inside],
    ]
    const soon = { timeoutMs: 20_000 }

    before(async () => {
      await make({ HostConfig: { Binds: [] } })
    })
    after(removed)

    for (const [place, run] of places) {
      it(`gives exit code, stdout and stderr apart, on ${place}`, async () => {
        const result = await run(['sh', '-c', 'echo out; echo err >&2; exit 3'], soon)
        expect(result).to.deep.equal({ code: 3, stdout: 'out\n', stderr: 'err\n' })
      })

      it(`keeps words as they are, on ${place}`, async () => {
        const words = ['$HOME', 'a b', '*', 'ü']
        expect((await run(['printf', '%s\\n', ...words], soon)).stdout).to.equal(`${words.join('\n')}\n`)
      })

      it(`gives stdin and environment, on ${place}`, async () => {
        const options = { ...soon, stdin: 'hello', env: { PYTHON: '/bin/true' } }
        expect((await run(['sh', '-c', 'cat; echo " $PYTHON $LC_ALL"'], options)).stdout).to.equal(
          'hello /bin/true C\n',
        )
      })

      it(`gives a long output whole, on ${place}`, async () => {
        const { stdout } = await run(['sh', '-c', 'seq 1 100000'], soon)
        expect(stdout.split('\n')).to.have.length(100_001)
      })

      it(`fails when a signal ends it, on ${place}`, async () => {
        const error = await failure(run(['sh', '-c', 'echo so far >&2; kill -KILL $$'], soon))
        expect(error).to.be.instanceOf(CommandError)
        expect(error.message).to.contain('so far').and.contain(killedBy('SIGKILL'))
      })

      it(`fails when there is no such program, on ${place}`, async () => {
        const error = await failure(run(['nosuchprogram'], soon))
        expect(error).to.be.instanceOf(CommandError)
        expect(error.message).to.contain('nosuchprogram').and.contain(notStarted())
      })

      it(`ends it and its children at the deadline, on ${place}`, async () => {
        const mark = `9${process.pid}${place.length}`
        const error = await failure(
          run(['sh', '-c', `echo begun; sleep ${mark} & sleep ${mark}`], { timeoutMs: 2_000 }),
        )
        expect(error).to.be.instanceOf(CommandError)
        expect((error as CommandError).result).to.include({ timedOut: true, stdout: 'begun\n' })
        await until(
          { what: 'both have ended' },
          async () => (await runCommand(['pgrep', '-f', `^sleep ${mark}`], soon)).code === 1,
        )
      })
    }

    it('says so when the container is not there', async () => {
      const error = await failure(containerRun(engineAt(here.engine.socket), 'nosuch')(['true'], soon))
      expect(error).to.be.instanceOf(Unavailable)
      expect(error.message).to.contain('No such container: nosuch')
    })
  })

  describe('the container is followed', () => {
    let followed: FollowedContainer | undefined
    let changes = 0
    sharedRoot()

    afterEach(async () => {
      followed?.close()
      followed = undefined
      await removed()
    })

    async function follow(socket = here.engine.socket): Promise<FollowedContainer> {
      followed = new FollowedContainer({
        engine: engineAt(socket),
        container: name,
        clock: systemClock,
        log: silentLog,
      })
      changes = 0
      followed.onChange(() => changes++)
      await followed.begin()
      return followed
    }

    function untilWaiting(words: string | undefined): Promise<unknown> {
      const seen = () => Promise.resolve(String(followed?.waitingFor()))
      return until({ deadlineMs: 30_000, what: words ?? 'nothing to wait for', seen }, () => {
        const now = followed?.waitingFor()
        return Promise.resolve(words === undefined ? now === undefined : now?.includes(words))
      })
    }

    it('waits for one that is missing, and runs commands once it is made', async () => {
      const { run } = await follow()
      const words = `container ${name} to be made: the engine has none of that name`
      expect(followed!.waitingFor()).to.equal(words)
      expect((await failure(run(['true'], { timeoutMs: 1_000 }))).message).to.equal(words)
      await make()
      await untilWaiting(undefined)
      expect((await run(['true'], { timeoutMs: 20_000 })).code).to.equal(0)
      expect(changes).to.be.at.least(1)
    })

    it('starts one that was never started, and again when it is stopped', async () => {
      const container = await make({}, false)
      await follow()
      await untilWaiting(undefined)
      const first = (await container.inspect()).State.StartedAt
      await container.stop()
      await until({ what: 'it was started again' }, async () => {
        const { State } = await container.inspect()
        return State.Running && State.StartedAt !== first
      })
      await untilWaiting(undefined)
    })

    it('says why one cannot be started', async () => {
      await make({ Cmd: ['/nosuchprogram'], HostConfig: { Init: false } }, false)
      await follow()
      await untilWaiting('no such file')
    })

    it('says that one does not stay up', async () => {
      await make({ Cmd: ['sh', '-c', 'exit 7'], HostConfig: { RestartPolicy: { Name: 'always' } } })
      await follow()
      await untilWaiting('ended with exit code 7')
    })

    it('waits while one is paused', async () => {
      const container = await make()
      await follow()
      await untilWaiting(undefined)
      await container.pause()
      await untilWaiting('to be unpaused')
      await container.unpause()
      await untilWaiting(undefined)
    })

    it('waits while one is unhealthy', async () => {
      const second = 1e9
      const Test = ['CMD', 'test', '-e', '/run/fine']
      const container = await make({ Healthcheck: { Test, Interval: second / 2, Timeout: 5 * second, Retries: 1 } })
      const { run } = await follow()
      await untilWaiting('its health check fails')
      expect(await failure(run(['true'], { timeoutMs: 1_000 }))).to.be.instanceOf(Unavailable)
      const exec = await container.exec({ Cmd: ['touch', '/run/fine'], AttachStdout: true })
      await exec.start({})
      await untilWaiting(undefined)
    })

    it('says which mount one lacks', async () => {
      await make({ HostConfig: { Binds: [] } })
      await follow()
      expect(followed!.waitingFor()).to.contain(`the bind mount ${brickRoot}:${brickRoot}:rshared`)
    })

    it('says that its image has no GlusterFS', async () => {
      await make({ Image: here.images.bare })
      const { run } = await follow()
      await untilWaiting(undefined)
      const host = realHost({ ...anyHost(), runPlane: run })
      const facts = await host.observe.peer({ v: 1, fence: 1, kind: 'peer', peer: 'g2' })
      expect(facts.unavailable).to.contain(`container ${name} has no program gluster`)
    })

    it('says that there is no engine', async () => {
      const { run } = await follow('/nosuch.sock')
      const words = 'the container engine at /nosuch.sock to answer: there is no socket /nosuch.sock'
      expect(followed!.waitingFor()).to.contain(words)
      const host = realHost({ ...anyHost(), runPlane: run })
      const facts = await host.observe.peer({ v: 1, fence: 1, kind: 'peer', peer: 'g2' })
      expect(facts.unavailable).to.contain(words)
    })

    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      it(`goes on when the engine was ended with ${signal} and is there again`, async function () {
        this.timeout(120_000)
        await make()
        const { run } = await follow()
        await untilWaiting(undefined)
        await here.engine.stop(signal)
        await untilWaiting('the container engine at')
        await here.engine.start()
        await untilWaiting(undefined)
        expect((await run(['hostname'], { timeoutMs: 20_000 })).stdout).to.equal(`${name}\n`)
      })
    }
  })

  describe('bricks of the host', () => {
    const device = `${name}n1`
    const sizeBytes = 320 * 1024 ** 2
    let loops: LoopDevices
    let followed: FollowedContainer | undefined
    let host: ReturnType<typeof realHost>
    let brick: DesiredBrick
    let volume: GlusterfsVolume
    sharedRoot()

    const volumeFacts = async () => (await host.observe.volume(volume)) as GlusterfsVolumeFacts

    before(async function () {
      this.timeout(120_000)
      loops = new LoopDevices()
      loops.add(device, sizeBytes)
      loops.willMount(brickMountPath(device))
      await make({ Cmd: ['glusterd', '--no-daemon'] })
      followed = new FollowedContainer({
        engine: engineAt(here.engine.socket),
        container: name,
        clock: systemClock,
        log: silentLog,
      })
      await followed.begin()
      const pools = { fast: [join(loops.directory, 'dev', '*')] }
      host = realHost({ ...anyHost(), pools, runPlane: followed.run })
      const common = { v: 1, fence: 1, buffer: { id: 1, name: '3' } } as const
      brick = {
        ...common,
        kind: 'brick',
        device,
        identity: loops.identityOf(device),
        sizeBytes,
        uuid: randomUUID(),
        directory: 'brick',
        uid: 20001,
        gid: 20001,
        mode: 0o700,
        wanted: 'present',
      }
      const bricks = [{ host: name, path: `${brickMountPath(device)}/brick` }]
      volume = { ...common, kind: 'volume', volume: name, bricks, options: {}, wanted: 'started' }
      await until({ what: 'glusterd answers' }, async () => (await volumeFacts()).unavailable === undefined)
    })

    after(async function () {
      this.timeout(60_000)
      if (!loops) return
      followed?.close()
      await removed()
      loops.close()
    })

    it('are made and mounted on the host, and served in the container', async () => {
      expect(await host.versions()).to.include.keys('glusterfs')
      await host.effects.formatBrick({ brick, over: 'blank' })
      await host.effects.mountBrick({ brick })
      await host.effects.stampBrick({ brick })
      await host.effects.makeBrickDirectory({ brick })
      await host.effects.createVolume({ volume })
      await host.effects.startVolume({ volume, force: false })
      await until({ what: 'the brick is online' }, async () => {
        const { status, offline } = await volumeFacts()
        return status === 'started' && offline.length === 0
      })
      const facts = await host.observe.brick(brick)
      expect(facts.mounted).to.include({ thisDevice: true })
      expect(facts.stamp).to.equal(brick.uuid)
      const pid = facts.servedBy?.pid
      expect(pid, 'the glusterfsd in the container').to.be.a('number')
      expect(execFileSync('readlink', [`/proc/${pid}/exe`], { encoding: 'utf8' })).to.contain('glusterfs')
    })

    it('are not unmounted while they are served there', async () => {
      expect((await failure(host.effects.unmountBrick({ brick }))).message).to.contain(
        'is started and has a brick there',
      )
    })

    it('are served again after the container was stopped', async function () {
      this.timeout(120_000)
      await here.engine.docker.getContainer(name).stop({ t: 5 })
      expect((await host.observe.brick(brick)).mounted).to.include({ thisDevice: true })
      await until({ what: 'the brick is online again' }, async () => {
        const { unavailable, status, offline } = await volumeFacts()
        return unavailable === undefined && status === 'started' && offline.length === 0
      })
      expect((await host.observe.brick(brick)).servedBy).to.not.equal(undefined)
    })

    it('are given back blank', async () => {
      await host.effects.stopVolume({ volume })
      await host.effects.deleteVolume({ volume })
      await until({ what: 'no process serves it' }, async () => !(await host.observe.brick(brick)).servedBy)
      await host.effects.unmountBrick({ brick })
      await host.effects.wipeBrick({ brick })
      expect((await host.discover()).devices[0]).to.include({ name: device, state: 'blank' })
    })
  })

  function anyHost() {
    return { name, pools: {}, mountRoot: '/mnt/burstbuffer', clock: systemClock, log: silentLog }
  }
})
