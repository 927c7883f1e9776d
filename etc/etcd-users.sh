#!/bin/sh
# Creates an etcd user with its own rights for the scheduler and for each host's agent, and prints the passwords.
#
#   etcd-users.sh [scheduler] [storage HOST…] [compute HOST…]
#
# The scheduler may read and write everything below /burstbuffer/. An agent may read what its host should hold, and
# write what a host of its kind reports: a compute node may not report bricks, volumes, peers or transfers, and no host
# may write the keys of another host. Name a host that is both in both lists. etcdctl takes its settings from the
# environment (ETCDCTL_ENDPOINTS, ETCDCTL_USER, ETCDCTL_CACERT …).
#
# If a host already has a user, this script grants these rights, keeps the password, and removes the wider rights that
# the first release gave, which did not distinguish kinds of hosts. To change the kind of a host, remove its old rights
# with `etcdctl role delete HOST`, then run this script.
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
  # A compute node reports there what is mounted; devices in it are ignored (storageHosts in scheduler.yaml).
  may "$host" readwrite "$prefix/inventory/$host"
  may "$host" readwrite "$prefix/hosts/$host"
  # Who leads and which level of documents the leader knows; and which cluster this etcd belongs to.
  may "$host" read "$prefix/leader"
  may "$host" read "$prefix/cluster"
}

# All arguments are checked before anything is changed.
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
