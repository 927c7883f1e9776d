#!/bin/sh
# Pid 1 of one lab host. It is started in fresh mount, UTS, IPC, network and pid namespaces, builds the host's own root
# file system under DIR/root, moves into it, and then reaps processes until it is killed: killing it is pulling the plug.
#
#   init.sh NAME DIR CHECKOUT [RUNTIME]
#
# DIR      what survives a power cut: etc, var, data, mnt, and the list of devices (name, type, major, minor a line)
# CHECKOUT seen by the host as /opt/burstbuffer, read-only
# RUNTIME  the folder of a node that is not below /usr, if so
set -eu
name=$1 dir=$2 checkout=$3 runtime=${4:-}
root=$dir/root

# The first fields of /proc/self/stat, still in the machine's numbering; field 22, the start time, makes the pid unmistakable.
read -r stat </proc/self/stat
set -- $stat
echo "$1 ${22}" >"$dir/init.tmp"
mv "$dir/init.tmp" "$dir/init"

hostname "$name"
mount --make-rprivate /
mount -t tmpfs -o mode=755 "lab-$name" "$root"
cd "$root"
mkdir usr proc sys dev run tmp home etc var data mnt root srv opt opt/burstbuffer old

mount --bind /usr usr
mount -o remount,bind,ro usr
for link in bin sbin lib lib32 lib64 libx32; do
  if [ -L "/$link" ]; then ln -s "$(readlink "/$link")" "$link"; fi
done
mount --bind "$checkout" opt/burstbuffer
mount -o remount,bind,ro opt/burstbuffer
if [ -n "$runtime" ]; then
  mkdir -p "./$runtime"
  mount --bind "$runtime" "./$runtime"
fi
for own in etc var data mnt; do mount --bind "$dir/$own" $own; done
mount --bind "$dir/../../home" home

mount -t proc proc proc
mount -t sysfs sysfs sys
if [ -d /sys/fs/cgroup ]; then mount --rbind /sys/fs/cgroup sys/fs/cgroup; fi
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir -m 755 run/lab run/lock

mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm dev/mapper
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for n in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${n%%:*}" "dev/${n##*:}"; done
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0 fuse:10:229; do
  IFS=: read -r file major minor <<END
$node
END
  mknod -m 666 "dev/$file" c "$major" "$minor"
done
while read -r device type major minor; do
  mknod -m 660 "dev/$device" "$type" "$major" "$minor"
done <"$dir/devices"

pivot_root . old
umount -l /old
rmdir /old
cd /

# bash reaps every orphan while it waits.
exec bash -c 'ip link set lo up; echo up; exec >/dev/null 2>&1; while :; do sleep infinity & wait $!; done'
