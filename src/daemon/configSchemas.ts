import { readFileSync } from 'node:fs'
import { z } from 'zod'
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
  .default('/mnt/burstbuffer')

export const etcdConfig = z.strictObject({
  endpoints: z.array(z.url({ protocol: /^https?$/, error: 'expected a URL as in http://head:2379' })).min(1),
  user: z.strictObject({ name: z.string().min(1), passwordFile: absolutePath }).optional(),
  tls: z
    .strictObject({ caFile: absolutePath, certFile: absolutePath.optional(), keyFile: absolutePath.optional() })
    .refine(({ certFile, keyFile }) => (certFile === undefined) === (keyFile === undefined), {
      message: 'expected certFile and keyFile together, or neither',
    })
    .optional(),
})

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
