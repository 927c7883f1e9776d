import { sizeInBytes } from '../../../daemon/configSchemas.js'

/** GlusterFS takes pieces from 4 MB to 4 TB. */
export const shardSize = sizeInBytes.refine((bytes) => bytes >= 4 * 1024 ** 2 && bytes <= 4 * 1024 ** 4, {
  message: 'expected a size from 4MiB to 4TiB',
})

/** What operators should know of a pool's settings that are allowed all the same. */
export function warningsOf({ shardBytes }: { shardBytes?: number }): string[] {
  return shardBytes === undefined ? [] : ['privateShard is set: GlusterFS has damaged files in shards']
}
