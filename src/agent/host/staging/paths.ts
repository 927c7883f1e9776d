import { basename, dirname } from 'node:path'
import { transferId, transferRoot } from '../../../model/cluster.js'
import type { DesiredTransfer } from '../../../model/documents/transfer.js'

/** A file that marks a directory as a transfer's notes: a user's directory may have such a name too. */
export const notesMark = 'notes-of-a-transfer'

export interface TransferPaths {
  /** Where the volume is mounted for this transfer. */
  mount: string
  /** Directory of the notes of all attempts; its parent is the user's. */
  notesRoot: string
  /** Directory of this attempt's notes. */
  notesDirectory: string
}

/**
 * Absolute paths of a transfer on this host: the mount, the work directories of all its attempts and of this one. The
 * work directory is at the destination, which must be writable and have space anyway, so that a full buffer can still
 * be staged out. The work directory of a fan-out is in the template.
 */
export function transferPathsOf(transfer: DesiredTransfer): TransferPaths {
  const { session, direction, type, outside, attempt, nodes = [] } = transfer
  const id = transferId(session.id, transfer.transfer)
  const { source, destination } = namespacesOf(transfer, nodes[0])
  const gone = outside === undefined ? source! : type === 'file' ? dirname(outside) : outside
  const folder = { in: destination!, fill: source!, out: gone }[direction]
  const notesRoot = `${folder === '/' ? '' : folder}/.burstbuffer-${id}`
  return { mount: mountOf(transfer), notesRoot, notesDirectory: `${notesRoot}/${attempt}` }
}

/** Source and destination of a copy. */
export interface Endpoints {
  source: string
  destination: string
  /** The node whose namespace is one of them. */
  node?: string
}

/** Source and destination as the directive names them, absolute on this host: once, or once for each of its nodes. */
export function endpointsOf(transfer: DesiredTransfer): Endpoints[] {
  const { nodes = [undefined], inside, outside = '/', type } = transfer
  return nodes.map((node) => {
    const { source, destination } = namespacesOf(transfer, node)
    return {
      source: source === undefined ? outside : below(source, inside),
      destination: destination === undefined ? gatheredAt(outside, type, node) : below(destination, inside),
      ...(node === undefined ? {} : { node }),
    }
  })
}

/** The path for a node's files: the destination has a directory for each node, with the node's name. */
export function gatheredAt(path: string, type: DesiredTransfer['type'], node: string | undefined): string {
  if (node === undefined) return path
  return type === 'directory' ? below(path, node) : below(below(dirname(path), node), basename(path))
}

/**
 * The namespace of the buffer in which the source or destination must stay; undefined for the one outside of the
 * buffer.
 */
export function namespacesOf(
  transfer: Pick<DesiredTransfer, 'session' | 'transfer' | 'direction' | 'directory' | 'template'>,
  node: string | undefined,
): { source?: string; destination?: string } {
  const mount = mountOf(transfer)
  const whole = below(mount, transfer.directory.slice(1))
  const own = node === undefined ? whole : below(whole, node)
  switch (transfer.direction) {
    case 'in':
      return { destination: own }
    case 'fill':
      return { source: below(mount, (transfer.template ?? '/').slice(1)), destination: own }
    case 'out':
      return { source: own }
  }
}

/**
 * Number of the tree that is copied from or to this node. The nodes of a fan-out share one tree, which is walked once.
 */
export function treeOf({ nodes = [], template }: DesiredTransfer, node: string | undefined): number {
  return node === undefined || template !== undefined ? 0 : nodes.indexOf(node)
}

/** Whether a path in a tree belongs to the transfer's own notes, and so is not user data. */
export function isNotes(transfer: DesiredTransfer, root: string, name: string): boolean {
  const { notesRoot } = transferPathsOf(transfer)
  const path = below(root, name)
  return path === notesRoot || path.startsWith(`${notesRoot}/`)
}

function mountOf({ session, transfer }: Pick<DesiredTransfer, 'session' | 'transfer'>): string {
  return `${transferRoot}/${transferId(session.id, transfer)}`
}

function below(folder: string, path: string): string {
  return path === '' ? folder : `${folder === '/' ? '' : folder}/${path}`
}
