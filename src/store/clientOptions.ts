import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import type { IOptions } from 'etcd3'

/** How to reach etcd. The files are PEM, and are read when the store opens. */
export interface EtcdOptions {
  endpoints: string[]
  user?: { name: string; password: string }
  tls?: { caFile: string; certFile?: string; keyFile?: string }
}

export type Credentials = Pick<IOptions, 'credentials'>

/** Reads the files. Throws when one cannot be read. */
export function credentialsOf({ tls }: EtcdOptions): Credentials {
  if (!tls) return {}
  const { caFile, certFile, keyFile } = tls
  return {
    credentials: {
      rootCertificate: readFileSync(caFile),
      ...(certFile && keyFile ? { certChain: readFileSync(certFile), privateKey: readFileSync(keyFile) } : {}),
    },
  }
}

/** Options for etcd3: one endpoint, a deadline for each call, and no retries. */
export function clientOptions(
  { user }: EtcdOptions,
  endpoint: string,
  credentials: Credentials,
  callMs: number,
): IOptions {
  return {
    hosts: endpoint,
    grpcOptions: {
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 5_000,
      'grpc.max_receive_message_length': 64 * 1024 * 1024,
      'grpc.max_send_message_length': 16 * 1024 * 1024,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
      // Each client has its own connection: a shared one would survive a reset.
      'grpc.use_local_subchannel_pool': 1,
      ...(isIP(new URL(withScheme(endpoint)).hostname) ? { 'grpc.enable_http_proxy': 0 } : {}),
    },
    ...credentials,
    ...(user ? { auth: { username: user.name, password: user.password } } : {}),
    defaultCallOptions: (context) => (context.isStream ? {} : { deadline: Date.now() + callMs }),
    faultHandling: { global: noPolicy, host: () => noPolicy },
  }
}

/** A fault policy that calls once, because we retry ourselves. */
const noPolicy = {
  execute: async (call: (context: { signal: AbortSignal }) => unknown) =>
    call({ signal: new AbortController().signal }),
} as unknown as NonNullable<NonNullable<IOptions['faultHandling']>['global']>

function withScheme(endpoint: string): string {
  return /^https?:\/\//.test(endpoint) ? endpoint : `http://${endpoint}`
}
