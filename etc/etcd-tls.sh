#!/bin/sh
# Creates a certificate authority for etcd, and the certificates that etcd with TLS and client certificates needs.
#
#   etcd-tls.sh DIRECTORY ca                          ca.pem and ca-key.pem
#   etcd-tls.sh DIRECTORY member NAME [ADDRESS…]      NAME.pem and NAME-key.pem for a member of etcd
#   etcd-tls.sh DIRECTORY client NAME…                the same for the scheduler, each host, and administrators
#
# Keep ca-key.pem outside the cluster, where nobody else can read it: whoever has it can impersonate anybody. Existing
# files are kept; remove a certificate to create it again. Certificates are valid for ten years (DAYS=3650).
set -eu
usage() { sed -n '4,6s/^# *//p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
directory=$1 kind=$2
shift 2
umask 077
days=${DAYS:-3650}
key() { [ -e "$1" ] || openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

sign() {
  name=$1 extensions=$2
  case "$name" in
    '' | -* | ca | *[!A-Za-z0-9.-]*) echo "$0: $name is not a valid name" >&2; exit 2 ;;
  esac
  [ -e "$directory/ca-key.pem" ] || { echo "$0: $directory has no ca-key.pem: run $0 $directory ca first" >&2; exit 1; }
  [ ! -e "$directory/$name.pem" ] || return 0
  key "$directory/$name-key.pem"
  printf '%s\n' "$extensions" >"$directory/$name.ext"
  openssl req -new -key "$directory/$name-key.pem" -subj "/CN=$name" |
    openssl x509 -req -sha256 -days "$days" -CA "$directory/ca.pem" -CAkey "$directory/ca-key.pem" -set_serial "0x$(openssl rand -hex 16)" \
      -extfile "$directory/$name.ext" -out "$directory/$name.pem.new" 2>/dev/null
  mv "$directory/$name.pem.new" "$directory/$name.pem"
  rm "$directory/$name.ext"
  chmod 644 "$directory/$name.pem"
}

case "$kind" in
  ca)
    mkdir -p "$directory"
    [ ! -e "$directory/ca.pem" ] || exit 0
    key "$directory/ca-key.pem"
    openssl req -x509 -new -sha256 -days "$days" -key "$directory/ca-key.pem" -subj '/CN=burstbuffer etcd' -out "$directory/ca.pem"
    chmod 644 "$directory/ca.pem"
    ;;
  member)
    [ $# -ge 1 ] || usage
    name=$1
    shift
    names="DNS:$name,DNS:localhost,IP:127.0.0.1"
    for address in "$@"; do
      case "$address" in
        *[!0-9.:a-fA-F]*) names="$names,DNS:$address" ;;
        *[.:]*) names="$names,IP:$address" ;;
        *) names="$names,DNS:$address" ;;
      esac
    done
    # A member is also a client of the other members.
    sign "$name" "keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth,clientAuth
subjectAltName=$names"
    ;;
  client)
    [ $# -ge 1 ] || usage
    for name in "$@"; do
      sign "$name" 'keyUsage=critical,digitalSignature
extendedKeyUsage=clientAuth'
    done
    ;;
  *) usage ;;
esac
