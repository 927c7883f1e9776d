import { type ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import type { ClientOptions } from './client.js'

/** How to reach etcd. The files are PEM, and are read when the store opens. */
export interface EtcdOptions {
  endpoints: string[]
  user?: { name: string; password: string }
  tls?: { caFile: string; certFile?: string; keyFile?: string }
}

/** What is in the files; undefined without TLS settings. */
export type Certificates = { ca: Buffer; key: Buffer | null; certificate: Buffer | null } | undefined

/** Reads the files. Throws when one cannot be read. */
export function certificatesOf({ tls }: EtcdOptions): Certificates {
  if (!tls) return undefined
  const { caFile, certFile, keyFile } = tls
  const own = certFile && keyFile ? { key: readFileSync(keyFile), certificate: readFileSync(certFile) } : undefined
  return { ca: readFileSync(caFile), key: own?.key ?? null, certificate: own?.certificate ?? null }
}

/** Options of the client of one endpoint. */
export function clientOptions(
  { user }: EtcdOptions,
  endpoint: string,
  certificates: Certificates,
  callMs: number,
): ClientOptions {
  return {
    address: endpoint.replace(/^https?:\/\//, ''),
    credentials: credentialsFor(endpoint, certificates),
    channel: channelOptions(endpoint),
    ...(user ? { user } : {}),
    callMs,
  }
}

function credentialsFor(endpoint: string, certificates: Certificates): ChannelCredentials {
  if (certificates) return credentials.createSsl(certificates.ca, certificates.key, certificates.certificate)
  return endpoint.startsWith('https:') ? credentials.createSsl() : credentials.createInsecure()
}

function channelOptions(endpoint: string): ChannelOptions {
  return {
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc.max_receive_message_length': 64 * 1024 * 1024,
    'grpc.max_send_message_length': 16 * 1024 * 1024,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
    // A client has one channel, and a connection of its own: a shared one would survive a reset.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    'grpc.enable_channelz': 0,
    ...(isIP(new URL(withScheme(endpoint)).hostname) ? { 'grpc.enable_http_proxy': 0 } : {}),
  }
}

function withScheme(endpoint: string): string {
  return /^https?:\/\//.test(endpoint) ? endpoint : `http://${endpoint}`
}
