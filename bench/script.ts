import { brickVolfile } from '../src/agent/host/dataplane/direct/brickVolfile.js'
import type { DataPlaneName } from '../src/model/documents/direct.js'
import type { Lab } from '../lab/namespaces/cluster.js'
import { must, owner } from './cluster.js'

/*
 * For comparison: the bare commands that create a buffer and remove it, in one shell script for each host, at once on all hosts and
 * for all devices of a host. No check, no record, no recovery.
 *
 *   both        mkfs.xfs, mount, directory of the brick; umount, discard, zeros over both ends of the device with fsync
 *   glusterd    gluster volume create, set, start; stop, delete
 *   direct      glusterfsd with a volfile of the agent's own kind; TERM, and waiting for its end
 */

export interface Place {
  host: string
  device: string
}

/** Devices of three hosts in turn, as the scheduler places bricks. */
export function places(count: number, from = 0): Place[] {
  return Array.from({ length: count }, (_, index) => ({
    host: `gluster${((from + index) % 3) + 1}`,
    device: `nvme${1 + Math.floor((from + index) / 3)}n1`,
  }))
}

export interface Script {
  create(lab: Lab, name: string, bricks: Place[]): Promise<void>
  destroy(lab: Lab, name: string, bricks: Place[]): Promise<void>
}

/** glusterd refuses what comes while another command has its lock: whoever is refused asks again. */
const gluster = 'g() { for n in $(seq 600); do gluster --mode=script "$@" && return; sleep 0.1; done; exit 1; }'

export const scripts: Record<DataPlaneName, Script> = {
  glusterd: {
    create: async (lab, name, bricks) => {
      await onEachHost(lab, bricks, makeBrick)
      const listed = bricks.map(({ host, device }) => `${host}:${directoryOf(device)}`).join(' ')
      const steps = [`create ${name} transport tcp ${listed}`, `set ${name} network.ping-timeout 10`, `start ${name}`]
      await must(lab, bricks[0]!.host, ['sh', '-ec', [gluster, ...steps.map((step) => `g volume ${step}`)].join('\n')])
    },
    destroy: async (lab, name, bricks) => {
      const steps = [`stop ${name}`, `delete ${name}`]
      await must(lab, bricks[0]!.host, ['sh', '-ec', [gluster, ...steps.map((step) => `g volume ${step}`)].join('\n')])
      await onEachHost(lab, bricks, removeBrick)
    },
  },
  direct: {
    create: (lab, _name, bricks) => onEachHost(lab, bricks, (device) => `${makeBrick(device)}\n${serveBrick(device)}`),
    destroy: (lab, _name, bricks) =>
      onEachHost(lab, bricks, (device) => `${endProcess(device)}\n${removeBrick(device)}`),
  },
}

function directoryOf(device: string): string {
  return `/data/glusterfs/${device}/brick`
}

function makeBrick(device: string): string {
  return `m=/data/glusterfs/${device}
mkfs.xfs -q -K /dev/${device} && mkdir -p $m && mount -o rw,noatime,nodev,nosuid,noexec /dev/${device} $m && mkdir -m 700 $m/brick && chown ${owner.uid}:${owner.uid} $m/brick`
}

function removeBrick(device: string): string {
  return `umount /data/glusterfs/${device} && blkdiscard --force --offset 1048576 /dev/${device}
size=$(blockdev --getsize64 /dev/${device})
dd if=/dev/zero of=/dev/${device} bs=1M count=1 seek=$((size - 1048576)) oflag=seek_bytes conv=fsync,notrunc status=none
dd if=/dev/zero of=/dev/${device} bs=1M count=1 conv=fsync,notrunc status=none`
}

const volumeId = '5c9f3f56-2f0a-4f5e-9d0e-1f2b3c4d5e6f'
const login = { user: 'script', password: 'x'.repeat(64) }

function serveBrick(device: string): string {
  const directory = directoryOf(device)
  const port = 40_000 + Number(/[0-9]+/.exec(device)![0])
  const exports = [{ name: 'striped', directory, volumeId, logins: [login] }]
  const volfile = brickVolfile({ address: '0.0.0.0', port, dispersed: false, exports })
  return `cat >/run/${device}.vol <<'end'
${volfile}
end
setfattr -n trusted.glusterfs.volume-id -v 0x${volumeId.replaceAll('-', '')} ${directory}
glusterfsd -f /run/${device}.vol -p /run/${device}.pid -l /var/log/${device}.log --log-level=ERROR`
}

function endProcess(device: string): string {
  return `pid=$(cat /run/${device}.pid)
kill $pid
while kill -0 $pid 2>/dev/null; do sleep 0.01; done`
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
