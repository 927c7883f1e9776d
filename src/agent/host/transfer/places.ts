import { dirname } from 'node:path'
import { transferId } from '../../../model/cluster.js'
import type { DesiredTransfer } from '../../../model/documents.js'

/**
 * Volumes are mounted here for transfers, each apart. Users pass through it to what is theirs, so it is not below
 * /run/burstbuffer, which they may not enter.
 */
export const transferRoot = '/run/burstbuffer-transfers'

export interface Places {
  /** Where the volume is mounted for this transfer. */
  mount: string
  /** The namespace's root in it. */
  namespace: string
  source: string
  destination: string
  /** What the attempts of this transfer write for themselves; its parent is the user's. */
  works: string
  /** This attempt's. */
  work: string
}

/**
 * The work directory lies at the destination, which has to be writable and have room in any case: a buffer that is full can
 * still be staged out.
 */
export function placesOf(transfer: DesiredTransfer): Places {
  const { session, direction, type, directory, outside, attempt } = transfer
  const id = transferId(session.id, transfer.transfer)
  const mount = `${transferRoot}/${id}`
  const namespace = directory === '/' ? mount : `${mount}${directory}`
  const inside = transfer.inside === '' ? namespace : `${namespace}/${transfer.inside}`
  const folder = direction === 'in' || outside === undefined ? namespace : type === 'file' ? dirname(outside) : outside
  const works = `${folder === '/' ? '' : folder}/.burstbuffer-${id}`
  const [source, destination] = direction === 'in' ? [outside ?? '/', inside] : [inside, outside ?? '/']
  return { mount, namespace, source, destination, works, work: `${works}/${attempt}` }
}

/** A work directory of this transfer or another, below the root of a tree: no user's data. */
export const isWork = /^\.burstbuffer-\d+\.\d+(\/|$)/
