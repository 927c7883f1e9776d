#!/bin/sh
# Makes an etcd user with its own rights for the scheduler and for each host's agent, and prints the passwords.
#
#   etcd-users.sh scheduler HOST…
#
# The scheduler may do everything below /burstbuffer/. An agent may read what its host is told, and write what its host
# reports: no other host's keys. etcdctl is run with the settings it has from its own environment (ETCDCTL_ENDPOINTS,
# ETCDCTL_USER, ETCDCTL_CACERT …). Running it again for a host that has a user gives it the same rights and keeps its password.
set -eu
[ $# -gt 0 ] || { echo "usage: $0 scheduler HOST…" >&2; exit 2; }
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

for host in "$@"; do
  case "$host" in
    '' | *[!A-Za-z0-9.-]*) echo "$0: $host is no host name" >&2; exit 2 ;;
  esac
  user "$host"
  if [ "$host" = scheduler ]; then
    etcdctl role grant-permission "$host" readwrite --prefix=true "$prefix/" >/dev/null
    continue
  fi
  # A prefix ends in a slash, so that host1 does not cover host10.
  etcdctl role grant-permission "$host" read --prefix=true "$prefix/desired/$host/" >/dev/null
  etcdctl role grant-permission "$host" readwrite --prefix=true "$prefix/observed/$host/" >/dev/null
  etcdctl role grant-permission "$host" readwrite "$prefix/inventory/$host" >/dev/null
  etcdctl role grant-permission "$host" readwrite "$prefix/hosts/$host" >/dev/null
  # Who leads, and which release of documents it knows.
  etcdctl role grant-permission "$host" read "$prefix/leader" >/dev/null
done
