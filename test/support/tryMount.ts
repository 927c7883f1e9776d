import { expect } from 'chai'
import type { Cluster } from '../../lab/common/interface.js'

/**
 * Whether root on `host` gets to mount and read `source`, such as `gluster1:/v/private/c1`. At a place of its own each
 * time, and off again before this resolves: a mount that is still busy for a moment must not count for the next.
 */
export async function canMount(lab: Cluster, host: string, source: string): Promise<boolean> {
  const script = [
    'at=$(mktemp -d)',
    // One that is refused may stand for a moment more, its process dead: not connected (7 of 150, when nothing else ran).
    'mount -t glusterfs "$1" $at && ls -A $at >/dev/null && findmnt --noheadings $at',
    'for i in $(seq 100); do findmnt $at >/dev/null || exit 0; umount $at && exit 0; sleep 0.1; done',
    'exit 1',
  ]
  const { code, stdout, stderr } = await lab.exec(host, ['sh', '-c', script.join('; '), 'sh', source])
  expect(code, stderr).to.equal(0)
  return stdout.includes('fuse.glusterfs')
}
