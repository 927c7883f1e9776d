import { z } from 'zod'
import { absolutePath } from '../../../../daemon/configSchemas.js'

/** As every engine has it. */
const containerName = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/, 'expected the name of a container')

const storageAddress = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.:-]{0,252}(\/[0-9]{1,3})?$/, {
  message: 'expected a host name, an address, or a network as in 10.1.0.0/16',
})

/** Keys of agent.yaml that are this plane's alone. */
export const dataPlaneSettings = {
  /** GlusterFS runs in that container and not on the host itself. */
  gluster: z
    .strictObject({ container: containerName, socket: absolutePath.default('/var/run/docker.sock') })
    .optional(),
  /** Compute nodes: only root may connect to GlusterFS on storage hosts. */
  packetFilter: z
    .strictObject({ enabled: z.boolean().default(true), storageHosts: z.array(storageAddress).max(1000).default([]) })
    .default({ enabled: true, storageHosts: [] }),
}
export const dataPlaneSettingNames = ['gluster', 'packetFilter'] as const
export type GlusterdSettings = z.infer<z.ZodObject<typeof dataPlaneSettings>>
type WithRoles = GlusterdSettings & { roles: readonly string[] }

/** What must hold between them and the host's roles. */
export const containerNeedsStorage = {
  /** Only storage hosts run GlusterFS. */
  holds: ({ gluster, roles }: WithRoles) => gluster === undefined || roles.includes('storage'),
  error: { path: ['roles'], message: 'expected storage among them, because gluster.container is set' },
}
export const filterNeedsCompute = {
  /** The packet filter is for compute hosts alone. */
  holds: ({ packetFilter, roles }: WithRoles) => packetFilter.storageHosts.length === 0 || roles.includes('compute'),
  error: { path: ['roles'], message: 'expected compute among them, because packetFilter.storageHosts is set' },
}
