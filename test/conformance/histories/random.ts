import { constants } from 'node:fs'
import type { Random } from '../../support/random.js'
import { asExpected, compareBytes, Names, newNode, type Node, overwritten, resized } from '../model.js'
import type { Answer } from '../worker.js'
import { expectSeen, Wrong } from '../wrong.js'
import { expectAnswer, type Process, type Stage, withProcesses } from './history.js'

/*
 * Calls drawn at random, one after the other, each compared with a model.
 *
 * On one mount everything is seen at once, by every process and through every descriptor and mapping. Between mounts, the
 * rules are those of a cluster: what one mount has written is seen by another after fsync or close, by whoever opens or
 * looks at the file then; a mapping is written by msync. So before a call of one mount on a file, what other mounts have
 * written is written out, and descriptors that are older than the other's last change are opened again.
 */

export interface Rules {
  /** How many processes each mount has. */
  processes: readonly number[]
  /** Names are made, moved and removed too; without it only the content of files that are there changes. */
  names: boolean
  /** Descriptors are not opened again after another mount's change, but to map the file: they must show it. */
  kept?: boolean
  /** Holes are made in files, and room is allocated. */
  holes?: boolean
  /** The time of change is set. */
  times?: boolean
  /** Files are used after their last name was removed. */
  removed?: boolean
  /** Asks for holes also while there are bytes that were not written out. */
  seeksAtOnce?: boolean
  steps: number
}

interface Handle {
  process: Process
  fd: number
  node: Node
  mode: 'plain' | 'append' | 'direct'
  /** Written through it, and not by fsync or close to the bricks. */
  dirty: boolean
  /** The node's changes when it was opened. */
  openedAt: number
  map?: { id: number; length: number; dirty: boolean; mappedAt: number } | undefined
}

const page = 4096
const maxBytes = 200_000
const maxHandles = 8
const directories = ['', 'a', 'b']
const { O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECT, O_RDONLY } = constants
/** Of fallocate: keep the size, make a hole. */
const punchHole = 3

type Step = () => Promise<void>

export function playRandom(stage: Stage, rules: Rules): Promise<void> {
  return withProcesses(stage, rules.processes, (processes, random) =>
    new RandomHistory(rules, processes, random, stage.say).play(),
  )
}

class RandomHistory {
  private readonly names = new Names()
  private handles: Handle[] = []
  private readonly steps: { weight: number; step: Step }[]

  constructor(
    private readonly rules: Rules,
    private readonly processes: readonly Process[],
    private readonly random: Random,
    private readonly say: Stage['say'],
  ) {
    this.steps = this.weighted(rules.names)
  }

  async play(): Promise<void> {
    await this.prepare()
    for (let step = 0; step < this.rules.steps; step++) await this.drawn()()
    await this.compareAll()
  }

  private async prepare(): Promise<void> {
    const first = this.processes[0]!
    for (const path of directories.slice(1)) {
      this.names.add(path, newNode('directory'))
      await this.expectCall(first, 'mkdir', [path])
    }
    if (this.rules.names) return
    for (const path of ['f0', 'f1', 'a/f0', 'a/f1']) await this.create(first, path)
  }

  private weighted(names: boolean): { weight: number; step: Step }[] {
    const content: [number, Step][] = [
      [8, () => this.open()],
      [5, () => this.close()],
      [14, () => this.read()],
      [14, () => this.write()],
      [5, () => this.truncateHandle()],
      [4, () => this.truncatePath()],
      [3, () => this.sync()],
      [8, () => this.statPath()],
      [6, () => this.statHandle()],
      [6, () => this.readMapped()],
      [6, () => this.writeMapped()],
      [3, () => this.unmapDrawn()],
      [2, () => this.seek()],
      [4, () => this.attributes()],
      [9, () => this.readWhole()],
    ]
    const naming: [number, Step][] = [
      [5, () => this.createDrawn()],
      [3, () => this.createExclusive()],
      [6, () => this.rename()],
      [3, () => this.link()],
      [4, () => this.unlink()],
      [2, () => this.symlink()],
      [2, () => this.directory()],
      [4, () => this.list()],
    ]
    const holes: [number, Step][] = [
      [4, () => this.allocate()],
      [6, () => this.punch()],
    ]
    const times: [number, Step][] = [[1, () => this.setTime()]]
    const chosen = [...content, ...(names ? naming : [])]
    if (this.rules.holes) chosen.push(...holes)
    if (this.rules.times) chosen.push(...times)
    return chosen.map(([weight, step]) => ({ weight, step }))
  }

  private drawn(): Step {
    let rest = this.random.below(this.steps.reduce((sum, { weight }) => sum + weight, 0))
    return this.steps.find(({ weight }) => (rest -= weight) < 0)!.step
  }

  // Descriptors

  private async open(): Promise<void> {
    const process = this.random.oneOf(this.processes)
    const path = this.drawFile()
    const mode = this.random.oneOf(['plain', 'plain', 'append', 'direct'] as const)
    const truncates = this.random.below(8) === 0
    const node = path === undefined ? undefined : this.names.get(path)
    if (path === undefined || node === undefined) return
    await this.publish(node, process.mount)
    await this.opened(process, path, node, mode, truncates ? O_TRUNC : 0)
    if (truncates) this.change(node, process, Buffer.alloc(0))
  }

  private async opened(
    process: Process,
    path: string,
    node: Node,
    mode: Handle['mode'],
    more: number,
  ): Promise<Handle> {
    if (this.handles.length >= maxHandles) await this.closeHandle(this.handles[0]!)
    // Direct and buffered access to one file do not go together on any Linux file system.
    const here = this.handles.filter((other) => other.node === node && other.process.mount === process.mount)
    const apart = mode === 'direct' ? here : here.filter((other) => other.mode === 'direct')
    for (const other of apart) await this.closeHandle(other)
    const fd = await this.expectCall(process, 'open', [path, O_RDWR | flagsOf(mode) | more])
    const handle: Handle = { process, fd, node, mode, dirty: false, openedAt: node.changes }
    this.handles.push(handle)
    return handle
  }

  private async close(): Promise<void> {
    const handle = this.draw(this.handles)
    if (handle) await this.closeHandle(handle)
  }

  private async closeHandle(handle: Handle): Promise<void> {
    await this.unmap(handle)
    await this.expectCall(handle.process, 'close', [handle.fd])
    this.handles = this.handles.filter((other) => other !== handle)
  }

  private async sync(): Promise<void> {
    const handle = this.draw(this.handles)
    if (handle) await this.writeOut(handle)
  }

  private async writeOut(handle: Handle): Promise<void> {
    if (handle.map?.dirty) await this.expectCall(handle.process, 'msync', [handle.map.id])
    if (handle.map) handle.map.dirty = false
    await this.expectCall(handle.process, 'fsync', [handle.fd])
    handle.dirty = false
  }

  /** Writes out what other mounts have written to the file. */
  private async publish(node: Node, mount: number): Promise<void> {
    for (const handle of this.handles.filter((other) => other.node === node && other.process.mount !== mount)) {
      if (!handle.dirty && !handle.map?.dirty) continue
      if (this.random.below(2) === 0) await this.closeHandle(handle)
      else await this.writeOut(handle)
    }
  }

  /** A descriptor that another mount's change has not made too old. */
  private async drawHandle(
    among: (handle: Handle) => boolean = () => true,
    { kept = this.rules.kept } = {},
  ): Promise<Handle | undefined> {
    const handle = this.draw(this.handles.filter(among))
    if (!handle) return undefined
    const { node, process, mode } = handle
    await this.publish(node, process.mount)
    if (handle.map && isOlder(node, process.mount, handle.map.mappedAt)) await this.unmap(handle)
    const path = this.names.pathOf(node)
    if (kept || path === undefined || !isOlder(node, process.mount, handle.openedAt)) return handle
    await this.closeHandle(handle)
    return this.opened(process, path, node, mode, 0)
  }

  // Content

  private async read(): Promise<void> {
    const handle = await this.drawHandle()
    if (!handle) return
    const [offset, length] = this.drawRange(handle)
    const { node, process, fd } = handle
    await this.expectBytes(process, 'pread', [fd, offset, length], node.content.subarray(offset, offset + length), node)
  }

  private async write(): Promise<void> {
    const handle = await this.drawHandle()
    if (!handle) return
    const { node, process, fd, mode } = handle
    const [drawn, length] = this.drawRange(handle)
    const data = this.drawBytes(length)
    const offset = mode === 'append' ? node.content.length : drawn
    if (offset + length > maxBytes) return
    if (mode === 'append') await this.expectCall(process, 'write', [fd], data, length)
    else await this.expectCall(process, 'pwrite', [fd, offset], data, length)
    handle.dirty = true
    this.change(node, process, overwritten(node.content, offset, data))
  }

  private async truncateHandle(): Promise<void> {
    const handle = await this.drawHandle()
    if (!handle) return
    const length = this.random.below(maxBytes)
    await this.expectCall(handle.process, 'ftruncate', [handle.fd, length])
    handle.dirty = true
    this.change(handle.node, handle.process, resized(handle.node.content, length))
  }

  private async truncatePath(): Promise<void> {
    const { process, path, node } = await this.drawFileOf()
    if (!node) return
    const length = this.random.below(maxBytes)
    await this.expectCall(process, 'truncate', [path, length])
    this.change(node, process, resized(node.content, length))
  }

  private async allocate(): Promise<void> {
    const handle = await this.drawHandle()
    if (!handle) return
    const [offset, length] = this.drawRange(handle)
    const { node, process, fd } = handle
    const answer = await this.call(process, 'fallocate', [fd, 0, offset, length])
    if (answer.error === 'EOPNOTSUPP') return
    this.expectValue(process, 'fallocate', answer, 0)
    handle.dirty = true
    this.change(node, process, resized(node.content, Math.max(node.content.length, offset + length)))
  }

  private async punch(): Promise<void> {
    const handle = await this.drawHandle()
    if (!handle) return
    const [offset, length] = this.drawRange(handle)
    const { node, process, fd } = handle
    const answer = await this.call(process, 'fallocate', [fd, punchHole, offset, length])
    if (answer.error === 'EOPNOTSUPP') return
    this.expectValue(process, 'fallocate', answer, 0)
    handle.dirty = true
    this.change(node, process, holed(node.content, offset, length))
  }

  /** What lies before the first data is a hole: only zeros. */
  private async seek(): Promise<void> {
    const handle = await this.drawHandle()
    if (!handle || handle.node.content.length === 0) return
    const { node, process, fd } = handle
    if (!this.rules.seeksAtOnce) {
      for (const other of this.handles.filter((one) => one.node === node)) await this.writeOut(other)
    }
    const from = this.random.below(node.content.length)
    const answer = await this.call(process, 'lseek', [fd, from, 'data'])
    if (answer.error === 'EINVAL' || answer.error === 'EOPNOTSUPP') return
    const end = answer.error === 'ENXIO' ? node.content.length : answer.error === undefined ? answer.value : from
    if (answer.error !== undefined && answer.error !== 'ENXIO') this.expectValue(process, 'lseek', answer, from)
    if (node.content.subarray(from, end).some((byte) => byte !== 0)) {
      throw new Wrong(`${process.name} lseek ${from} data: says ${end}, but there are data before it`)
    }
  }

  // Mappings

  private async mapped(): Promise<Handle | undefined> {
    const handle = await this.drawHandle(({ node, mode }) => mode === 'plain' && node.content.length > 0, {
      kept: false,
    })
    if (!handle) return undefined
    const { node, process, fd } = handle
    const length = Math.ceil(node.content.length / page) * page
    if (handle.map && handle.map.length < length && this.random.below(2) === 0) await this.unmap(handle)
    if (!handle.map) {
      const id = await this.expectCall(process, 'mmap', [fd, length])
      handle.map = { id, length, dirty: false, mappedAt: node.changes }
    }
    return handle
  }

  private async readMapped(): Promise<void> {
    const handle = await this.mapped()
    if (!handle?.map) return
    const { node, process, map } = handle
    const [offset, length] = this.drawWithin(Math.min(map.length, node.content.length))
    await this.expectBytes(
      process,
      'mread',
      [map.id, offset, length],
      node.content.subarray(offset, offset + length),
      node,
    )
  }

  private async writeMapped(): Promise<void> {
    const handle = await this.mapped()
    if (!handle?.map) return
    const { node, process, map } = handle
    const [offset, length] = this.drawWithin(Math.min(map.length, node.content.length))
    const data = this.drawBytes(length)
    await this.expectCall(process, 'mwrite', [map.id, offset], data, length)
    map.dirty = true
    this.change(node, process, overwritten(node.content, offset, data))
  }

  private async unmapDrawn(): Promise<void> {
    const handle = this.draw(this.handles.filter(({ map }) => map !== undefined))
    if (handle) await this.unmap(handle)
  }

  private async unmap(handle: Handle): Promise<void> {
    if (!handle.map) return
    const { map, process } = handle
    // Without msync a page may be written long after munmap: then by the close of the descriptor or by fsync.
    if (map.dirty) handle.dirty = true
    await this.expectCall(process, 'munmap', [map.id])
    handle.map = undefined
  }

  // What is seen

  private async statPath(): Promise<void> {
    const { process, path, node } = await this.drawFileOf()
    if (node) await this.expectStat(process, 'stat', path, node)
  }

  private async statHandle(): Promise<void> {
    const handle = await this.drawHandle()
    if (handle) await this.expectStat(handle.process, 'fstat', handle.fd, handle.node)
  }

  private async expectStat(process: Process, name: string, of: string | number, node: Node): Promise<void> {
    const isWritten = !this.handles.some(
      (handle) => handle.node === node && (handle.dirty || handle.map?.dirty === true),
    )
    const look = async () => {
      const answer = await this.call(process, name, [of])
      if (answer.error !== undefined) return answer.error
      const [size, links, kind, , inode, mtime] = answer.data.toString().split(' ')
      node.inode ??= inode!
      if (!isWritten) return `${size} bytes, ${links} links, ${kind}, inode ${inode}`
      if (node.mtime?.changes !== node.changes) node.mtime = { value: mtime!, changes: node.changes }
      return `${size} bytes, ${links} links, ${kind}, inode ${inode}, mtime ${mtime}`
    }
    const expected = () =>
      [
        `${node.content.length} bytes, ${node.links} links, ${node.kind}, inode ${node.inode}`,
        ...(isWritten ? [`mtime ${node.mtime?.value}`] : []),
      ].join(', ')
    // The first look says which inode and which time of change it is.
    if (node.inode === undefined || (isWritten && node.mtime?.changes !== node.changes)) await look()
    await expectSeen(`${process.name} ${name} ${of}`, expected(), look)
  }

  private async readWhole(): Promise<void> {
    const { process, path, node } = await this.drawFileOf()
    if (node) await this.expectWhole(process, path, node)
  }

  private async expectWhole(process: Process, path: string, node: Node): Promise<void> {
    for (const handle of this.handles.filter((other) => other.node === node && other.mode === 'direct')) {
      if (handle.process.mount === process.mount) await this.closeHandle(handle)
    }
    await expectSeen(`${process.name} the whole of ${path}`, asExpected, async () => {
      const opened = await this.call(process, 'open', [path, O_RDONLY])
      if (opened.error !== undefined) return `open ${opened.error}`
      const read = await this.call(process, 'pread', [opened.value, 0, maxBytes * 2])
      await this.call(process, 'close', [opened.value])
      return read.error ?? compareBytes(node.content, read.data)
    })
  }

  private async attributes(): Promise<void> {
    const { process, path, node } = await this.drawFileOf()
    if (!node) return
    const name = this.random.oneOf(['x', 'y'])
    const change = this.random.below(3)
    if (change === 0) {
      const value = this.drawBytes(1 + this.random.below(200))
      await this.expectCall(process, 'setxattr', [path, `user.${name}`], value)
      node.xattrs.set(name, value)
    } else if (change === 1) {
      const answer = await this.call(process, 'removexattr', [path, `user.${name}`])
      expectAnswer(process, 'removexattr', answer, node.xattrs.has(name) ? undefined : 'ENODATA')
      node.xattrs.delete(name)
    }
    const value = node.xattrs.get(name)
    await expectSeen(`${process.name} getxattr ${path} ${name}`, value ? asExpected : 'ENODATA', async () => {
      const answer = await this.call(process, 'getxattr', [path, `user.${name}`])
      return answer.error ?? compareBytes(value ?? Buffer.alloc(0), answer.data)
    })
  }

  private async setTime(): Promise<void> {
    const { process, path, node } = await this.drawFileOf()
    if (!node || this.handles.some((handle) => handle.node === node && (handle.dirty || handle.map))) return
    const value = `${1_600_000_000 + this.random.below(100_000_000)}${String(this.random.below(1e9)).padStart(9, '0')}`
    await this.expectCall(process, 'setmtime', [path, value])
    this.change(node, process, node.content)
    node.mtime = { value, changes: node.changes }
    await this.expectStat(process, 'stat', path, node)
  }

  // Names

  private drawName(): string {
    const directory = this.random.oneOf(directories)
    return `${directory === '' ? '' : `${directory}/`}f${this.random.below(4)}`
  }

  private async createDrawn(): Promise<void> {
    const process = this.random.oneOf(this.processes)
    const path = this.drawName()
    if (!this.names.get(path)) await this.create(process, path)
  }

  private async create(process: Process, path: string): Promise<void> {
    const node = newNode('file')
    this.names.add(path, node)
    await this.opened(process, path, node, 'plain', O_CREAT)
  }

  private async createExclusive(): Promise<void> {
    const process = this.random.oneOf(this.processes)
    const path = this.drawName()
    const node = newNode('file')
    const error = this.names.add(path, node)
    const answer = await this.call(process, 'open', [path, O_RDWR | O_CREAT | O_EXCL])
    expectAnswer(process, `open exclusively ${path}`, answer, error)
    if (answer.error === undefined) await this.expectCall(process, 'close', [answer.value])
  }

  private async rename(): Promise<void> {
    const process = this.random.oneOf(this.processes)
    const [from, to] = [this.drawName(), this.drawName()]
    const replaced = this.names.get(to)
    if (from === to || (this.names.get(from) && replaced && this.isUsedElsewhere(replaced, process))) return
    if (this.names.get(from) && replaced) await this.letGo(replaced)
    const error = this.names.rename(from, to)
    expectAnswer(process, `rename ${from} ${to}`, await this.call(process, 'rename', [from, to]), error)
  }

  private async link(): Promise<void> {
    const process = this.random.oneOf(this.processes)
    const [from, to] = [this.drawName(), this.drawName()]
    const error = this.names.link(from, to)
    expectAnswer(process, `link ${from} ${to}`, await this.call(process, 'link', [from, to]), error)
  }

  private async unlink(): Promise<void> {
    const process = this.random.oneOf(this.processes)
    const path = this.drawName()
    const node = this.names.get(path)
    if (node && this.isUsedElsewhere(node, process)) return
    if (node) await this.letGo(node)
    const error = this.names.remove(path)
    expectAnswer(process, `unlink ${path}`, await this.call(process, 'unlink', [path]), error)
  }

  /** Before its last name is removed. */
  private async letGo(node: Node): Promise<void> {
    if (this.rules.removed || node.links > 1) return
    for (const handle of this.handles.filter((other) => other.node === node)) await this.closeHandle(handle)
  }

  /** GlusterFS answers ESTALE on the open descriptors of a file whose last name another mount has removed. */
  private isUsedElsewhere(node: Node, { mount }: Process): boolean {
    return node.links === 1 && this.handles.some((handle) => handle.node === node && handle.process.mount !== mount)
  }

  private async symlink(): Promise<void> {
    const process = this.random.oneOf(this.processes)
    const path = `s${this.random.below(2)}`
    const there = this.names.get(path)
    if (there && this.random.below(2) === 0) {
      this.names.remove(path)
      await this.expectCall(process, 'unlink', [path])
    } else if (!there) {
      const target = this.drawName()
      this.names.add(path, newNode('symlink', Buffer.from(target)))
      await this.expectCall(process, 'symlink', [target, path])
    }
    const target = this.names.get(path)?.content
    await expectSeen(`${process.name} readlink ${path}`, target ? asExpected : 'ENOENT', async () => {
      const answer = await this.call(process, 'readlink', [path])
      return answer.error ?? compareBytes(target ?? Buffer.alloc(0), answer.data)
    })
  }

  private async directory(): Promise<void> {
    const process = this.random.oneOf(this.processes)
    const path = `d${this.random.below(3)}`
    const choice = this.random.below(3)
    if (choice === 0) {
      const error = this.names.add(path, newNode('directory'))
      expectAnswer(process, `mkdir ${path}`, await this.call(process, 'mkdir', [path]), error)
    } else if (choice === 1) {
      const error = this.names.remove(path)
      expectAnswer(process, `rmdir ${path}`, await this.call(process, 'rmdir', [path]), error)
    } else {
      const to = `d${this.random.below(3)}`
      if (to === path) return
      const error = this.names.rename(path, to)
      expectAnswer(process, `rename ${path} ${to}`, await this.call(process, 'rename', [path, to]), error)
    }
  }

  private async list(): Promise<void> {
    const process = this.random.oneOf(this.processes)
    await this.expectList(process, this.random.oneOf(directories))
  }

  private async expectList(process: Process, directory: string): Promise<void> {
    await expectSeen(`${process.name} readdir /${directory}`, this.names.list(directory).join(' '), async () => {
      const answer = await this.call(process, 'readdir', [directory === '' ? '.' : directory])
      return answer.error ?? answer.data.toString().split('\n').filter(Boolean).sort().join(' ')
    })
  }

  private async compareAll(): Promise<void> {
    while (this.handles.length > 0) await this.closeHandle(this.handles[0]!)
    for (const process of this.processes) {
      for (const directory of directories) await this.expectList(process, directory)
      for (const path of this.names.paths('file')) {
        const node = this.names.get(path)!
        await this.expectStat(process, 'stat', path, node)
        await this.expectWhole(process, path, node)
      }
    }
  }

  // Draws

  private draw<T>(from: readonly T[]): T | undefined {
    return from.length === 0 ? undefined : this.random.oneOf(from)
  }

  private drawFile(): string | undefined {
    return this.draw(this.names.paths('file'))
  }

  /** A process and a file, on which other mounts have nothing left to write. */
  private async drawFileOf(): Promise<{ process: Process; path: string; node: Node | undefined }> {
    const process = this.random.oneOf(this.processes)
    const path = this.drawFile() ?? ''
    const node = this.names.get(path)
    if (node) await this.publish(node, process.mount)
    return { process, path, node }
  }

  private drawRange({ mode, node }: Handle): [offset: number, length: number] {
    const offset = this.random.below(Math.min(node.content.length + 10_000, maxBytes - 50_000))
    const length = 1 + (this.random.below(2) === 0 ? this.random.below(300) : this.random.below(40_000))
    if (mode !== 'direct' && this.random.below(4) !== 0) return [offset, length]
    return [offset - (offset % page), Math.ceil(length / page) * page]
  }

  private drawWithin(size: number): [offset: number, length: number] {
    const offset = this.random.below(size)
    return [offset, 1 + this.random.below(Math.min(size - offset, 20_000))]
  }

  /** Different ones each time, and never zero: so holes are told apart. */
  private drawBytes(length: number): Buffer {
    const first = this.random.below(250)
    const stride = 1 + this.random.below(200)
    return Buffer.from(Array.from({ length }, (_, index) => 1 + ((first + index * stride + (index >> 8)) % 255)))
  }

  private change(node: Node, { mount }: Process, content: Buffer): void {
    node.content = content
    node.changes++
    node.changedBy.set(mount, node.changes)
  }

  // Calls

  private async call(process: Process, name: string, words: (string | number)[], data?: Buffer): Promise<Answer> {
    const answer = await process.worker.call(name, words, data)
    const withData = data === undefined ? '' : ` [${data.length} bytes]`
    this.say(`${process.name} ${name} ${words.join(' ')}${withData} = ${answer.error ?? answer.value}`)
    return answer
  }

  private async expectCall(
    process: Process,
    name: string,
    words: (string | number)[],
    data?: Buffer,
    value?: number,
  ): Promise<number> {
    return this.expectValue(process, `${name} ${words.join(' ')}`, await this.call(process, name, words, data), value)
  }

  private expectValue(process: Process, what: string, answer: Answer, value?: number): number {
    expectAnswer(process, what, answer)
    if (value !== undefined && answer.error === undefined && answer.value !== value) {
      throw new Wrong(`${process.name} ${what}: expected ${value}, got ${answer.value}`)
    }
    return answer.error === undefined ? answer.value : -1
  }

  private async expectBytes(
    process: Process,
    name: string,
    words: (string | number)[],
    expected: Buffer,
    node: Node,
  ): Promise<void> {
    const what = `${process.name} ${name} ${words.join(' ')} of ${this.names.pathOf(node) ?? 'a removed file'}`
    await expectSeen(what, asExpected, async () => {
      const answer = await this.call(process, name, words)
      return answer.error ?? compareBytes(expected, answer.data)
    })
  }
}

function holed(content: Buffer, offset: number, length: number): Buffer {
  const end = Math.min(content.length, offset + length)
  return offset < end ? Buffer.from(content).fill(0, offset, end) : content
}

function flagsOf(mode: Handle['mode']): number {
  return mode === 'append' ? O_APPEND : mode === 'direct' ? O_DIRECT : 0
}

/** Whether another mount has changed the file since. */
function isOlder(node: Node, mount: number, since: number): boolean {
  return [...node.changedBy].some(([other, at]) => other !== mount && at > since)
}
