import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { parseSize } from '../model/capacity.js'
import { plainPath } from '../model/fields.js'
import { logLevels } from './log.js'

/** Settings of both daemons. */
export const absolutePath = z
  .string()
  .regex(/^\/[^\0\n]*$/, 'expected an absolute path')
  .refine(
    (path) => !path.split('/').some((part) => part === '.' || part === '..'),
    'expected an absolute path without . or .. in it',
  )
  // Paths are compared and joined as text, so each needs one spelling.
  .transform((path) => path.replace(/\/+/g, '/').replace(/(?<=.)\/$/, ''))

/** Compute nodes mount buffers below it. Agents and scheduler must have the same. */
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

/** Every connection to etcd uses TLS and checks etcd's certificate, unless `insecure` is set. */
const etcdShape = z.strictObject({
  endpoints: z.array(z.url({ protocol: /^https?$/, error: 'expected a URL as in https://head:2379' })).min(1),
  user: z.strictObject({ name: z.string().min(1), passwordFile: absolutePath }).optional(),
  tls: z
    .strictObject({ caFile: absolutePath, certFile: absolutePath.optional(), keyFile: absolutePath.optional() })
    .refine(({ certFile, keyFile }) => (certFile === undefined) === (keyFile === undefined), {
      message: 'expected certFile and keyFile together, or neither',
    })
    .optional(),
  /** Allows http:// endpoints, for tests and for networks that nobody else can reach. */
  insecure: z.boolean().default(false),
})

type EtcdShape = Pick<z.infer<typeof etcdShape>, 'endpoints' | 'insecure'>

/** Refuses http:// without `insecure`, and `insecure` without http://. */
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

/** The scheduler also shows how full etcd's database is; etcd does not tell its quota. */
export const schedulerEtcdConfig = etcdShape
  .extend({ quota: sizeInBytes.default(2 * 1024 ** 3) })
  .superRefine(checkTransport)

/** Reads credentials from their files now: a restart reads new ones. */
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
