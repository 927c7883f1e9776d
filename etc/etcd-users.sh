#!/bin/sh
# Makes an etcd user with its own rights for the scheduler and for each host's agent, and prints the passwords.
#
#   etcd-users.sh [scheduler] [storage HOST…] [compute HOST…]
#
# The scheduler may do everything below /burstbuffer/. An agent may read what its host is told, and write what a host of its kind
# reports: a compute node nothing of bricks, volumes, peers and transfers, and no host another one's keys. A host that is both
# is named twice. etcdctl is run with the settings it has from its own environment (ETCDCTL_ENDPOINTS, ETCDCTL_USER,
# ETCDCTL_CACERT …).
#
# Running it again for a host that has a user gives it these rights and keeps its password; the wider ones of the first release,
# which knew no kinds, are taken away. A host that is to be of another kind loses the rights of before by `etcdctl role delete HOST`,
# and gets the new ones by this script.
set -eu
usage() { echo "usage: $0 [scheduler] [storage HOST...] [compute HOST...]" >&2; exit 2; }
[ $# -gt 0 ] || usage
export ETCDCTL_API=3
prefix=/burstbuffer

user() {
  name=$1
  etcdctl role get "$name" >/dev/null 2>&1 || etcdctl role add "$name" >/dev/null
  if ! etcdctl user get "$name" >/dev/null 2>&1; then
    password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    printf '%s\n' "$password" | etcdctl user add "$name" --interactive=false >/dev/null
    echo "$name $password"
  fi
  etcdctl user grant-role "$name" "$name" >/dev/null
}

# A prefix ends in a slash, so that host1 does not cover host10.
may() { etcdctl role grant-permission "$@" >/dev/null; }

agent() {
  host=$1
  shift
  user "$host"
  may "$host" read --prefix=true "$prefix/desired/$host/"
  may "$host" read --prefix=true "$prefix/observed/$host/"
  for reported in "$@"; do may "$host" readwrite --prefix=true "$prefix/observed/$host/$reported/"; done
  # A compute node says there what is mounted; devices in it count for nothing (storageHosts in scheduler.yaml).
  may "$host" readwrite "$prefix/inventory/$host"
  may "$host" readwrite "$prefix/hosts/$host"
  # Who leads, and which release of documents it knows; and whose etcd it is.
  may "$host" read "$prefix/leader"
  may "$host" read "$prefix/cluster"
}

# All words are looked at before anything is done.
kind=
for word in "$@"; do
  case "$word" in
    scheduler) ;;
    storage | compute) kind=$word ;;
    '' | *[!A-Za-z0-9.-]*) echo "$0: $word is not a host name" >&2; exit 2 ;;
    *) [ -n "$kind" ] || { echo "$0: write storage or compute before $word" >&2; usage; } ;;
  esac
done

for word in "$@"; do
  case "$word" in
    scheduler)
      user scheduler
      may scheduler readwrite --prefix=true "$prefix/"
      ;;
    storage | compute) kind=$word ;;
    *)
      case "$kind" in
        storage) agent "$word" brick volume peer adopt transfer ;;
        compute) agent "$word" mount swap ;;
      esac
      ;;
  esac
done
