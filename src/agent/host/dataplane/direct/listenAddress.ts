import { readFile } from 'node:fs/promises'

/** On which a process listens that listens everywhere: of both families where this host has IPv6. Source: proc(5), net. */
export async function everyAddress(): Promise<'::' | '0.0.0.0'> {
  const read = (path: string) => readFile(path, 'utf8').catch(() => '')
  const interfaces = await read('/proc/self/net/if_inet6')
  const isForIpv6Alone = (await read('/proc/sys/net/ipv6/bindv6only')).trim() === '1'
  return interfaces.trim() !== '' && !isForIpv6Alone ? '::' : '0.0.0.0'
}
