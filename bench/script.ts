import type { Lab } from '../lab/namespaces/cluster.js'
import { must } from './cluster.js'

/*
 * For comparison: the bare commands that create a buffer and remove it, in one shell script for each host, at once on all hosts and
 * for all devices of a host. No check, no record, no recovery.
 */

export interface Place {
  host: string
  device: string
}

/** Devices of three hosts in turn, as the scheduler places bricks. */
export function places(count: number, from = 1): Place[] {
  return Array.from({ length: count }, (_, index) => ({
    host: `gluster${(index % 3) + 1}`,
    device: `nvme${from + Math.floor(index / 3)}n1`,
  }))
}

export async function scriptCreate(lab: Lab, name: string, bricks: Place[]): Promise<void> {
  await onEachHost(
    lab,
    bricks,
    (device) => `m=/data/glusterfs/${device}
mkfs.xfs -q -K /dev/${device} && mkdir -p $m && mount -o rw,noatime,nodev,nosuid,noexec /dev/${device} $m && mkdir -m 700 $m/brick && chown 20001:20001 $m/brick`,
  )
  const listed = bricks.map(({ host, device }) => `${host}:/data/glusterfs/${device}/brick`).join(' ')
  const gluster = 'gluster --mode=script'
  await must(lab, bricks[0]!.host, [
    'sh',
    '-ec',
    `${gluster} volume create ${name} transport tcp ${listed}; ${gluster} volume set ${name} network.ping-timeout 10; ${gluster} volume start ${name}`,
  ])
}

export async function scriptDestroy(lab: Lab, name: string, bricks: Place[]): Promise<void> {
  const gluster = 'gluster --mode=script'
  await must(lab, bricks[0]!.host, ['sh', '-ec', `${gluster} volume stop ${name}; ${gluster} volume delete ${name}`])
  await onEachHost(
    lab,
    bricks,
    (device) => `umount /data/glusterfs/${device} && blkdiscard --force --offset 1048576 /dev/${device}
size=$(blockdev --getsize64 /dev/${device})
dd if=/dev/zero of=/dev/${device} bs=1M count=1 seek=$((size - 1048576)) oflag=seek_bytes conv=fsync,notrunc status=none
dd if=/dev/zero of=/dev/${device} bs=1M count=1 conv=fsync,notrunc status=none`,
  )
}

async function onEachHost(lab: Lab, bricks: Place[], ofDevice: (device: string) => string): Promise<void> {
  const names = [...new Set(bricks.map(({ host }) => host))]
  await Promise.all(
    names.map((name) => {
      const devices = bricks.filter(({ host }) => host === name).map(({ device }) => device)
      const each = devices.map((device) => `( set -e; ${ofDevice(device)} ) & pids="$pids $!"`).join('\n')
      return must(lab, name, ['sh', '-ec', `pids=\n${each}\nfor p in $pids; do wait $p; done`])
    }),
  )
}
