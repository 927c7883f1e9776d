import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { parseSize } from '../model/capacity.js'
import { plainPath } from '../model/fields.js'
import { logLevels } from './log.js'

/** Settings that both daemons have. */
export const absolutePath = z
  .string()
  .regex(/^\/[^\0\n]*$/, 'expected an absolute path')
  .refine(
    (path) => !path.split('/').some((part) => part === '.' || part === '..'),
    'expected an absolute path without . or .. in it',
  )
  // Paths are compared and put together as text: one place has one spelling.
  .transform((path) => path.replace(/\/+/g, '/').replace(/(?<=.)\/$/, ''))

/** Compute nodes mount buffers below it; of agent and scheduler the same. */
export const mountRoot = absolutePath
  .refine((path) => path !== '/', 'expected a path below /')
  .refine((path) => plainPath.safeParse(path).success, 'expected a path of letters, digits and ._:@+~-')
  .default('/mnt/burstbuffer')

/** Bytes: a number, or a text as Slurm writes sizes. */
export const sizeInBytes = z.union([z.string(), z.int().positive()]).transform((size, context) => {
  const parsed = typeof size === 'number' ? { bytes: size } : parseSize(size)
  if ('bytes' in parsed) return parsed.bytes
  context.addIssue({ code: 'custom', message: parsed.refused })
  return z.NEVER
})

/** Where every connection to etcd is encrypted, and shown to be etcd's; anything else has to be asked for by `insecure`. */
const etcdShape = z.strictObject({
  endpoints: z.array(z.url({ protocol: /^https?$/, error: 'expected a URL as in https://head:2379' })).min(1),
  user: z.strictObject({ name: z.string().min(1), passwordFile: absolutePath }).optional(),
  tls: z
    .strictObject({ caFile: absolutePath, certFile: absolutePath.optional(), keyFile: absolutePath.optional() })
    .refine(({ certFile, keyFile }) => (certFile === undefined) === (keyFile === undefined), {
      message: 'expected certFile and keyFile together, or neither',
    })
    .optional(),
  /** Plain http:// endpoints may be used: for tests, and where nobody else is on the network. */
  insecure: z.boolean().default(false),
})

type EtcdShape = Pick<z.infer<typeof etcdShape>, 'endpoints' | 'insecure'>

/** Refuses what would go over the network in clear unless that is written down, and `insecure` where it means nothing. */
function checkTransport({ endpoints, insecure }: EtcdShape, context: z.RefinementCtx): void {
  const plain = endpoints.findIndex((endpoint) => endpoint.startsWith('http://'))
  const refuse = (path: PropertyKey[], message: string) => context.addIssue({ code: 'custom', path, message })
  if (plain >= 0 && !insecure) {
    refuse(
      ['endpoints', plain],
      'expected https:// (docs/operating.md, "etcd with TLS"), or etcd.insecure: true beside it',
    )
  }
  if (plain < 0 && insecure) refuse(['insecure'], 'expected false, because every endpoint is https://')
}

export const etcdConfig = etcdShape.superRefine(checkTransport)

/** The scheduler also tells how near etcd's database is to its quota, which etcd itself does not tell. */
export const schedulerEtcdConfig = etcdShape
  .extend({ quota: sizeInBytes.default(2 * 1024 ** 3) })
  .superRefine(checkTransport)

/** Credentials are read from their files now: they are rotated by a restart. */
export function etcdOptions({ endpoints, user, tls }: z.infer<typeof etcdConfig>) {
  return {
    endpoints,
    ...(user ? { user: { name: user.name, password: readFileSync(user.passwordFile, 'utf8').trim() } } : {}),
    ...(tls
      ? {
          tls: {
            caFile: tls.caFile,
            ...(tls.certFile && tls.keyFile ? { certFile: tls.certFile, keyFile: tls.keyFile } : {}),
          },
        }
      : {}),
  }
}

export const logConfig = z
  .strictObject({ level: z.enum(logLevels).default('info'), file: absolutePath.optional() })
  .default({ level: 'info' })
