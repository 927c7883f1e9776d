#!/bin/sh
# Makes this machine able to run the lab and the tests: Debian packages, npm packages, build. Needs nothing but sh and node,
# does only what is missing, and is silent when nothing is.
set -eu
cd "$(dirname "$0")/.."

fail() {
  echo "setup: $*" >&2
  exit 1
}

os=$(. /etc/os-release 2>/dev/null && echo "${ID:-} ${VERSION_ID:-}") || os=
[ "$os" = 'debian 12' ] || fail "needs Debian 12, and this is ${os:-another system}; 'npm run standalone' works here with Node and etcd"
[ "$(id -u)" = 0 ] || fail "needs root, for namespaces, loop devices and mounts; 'npm run standalone' works without"
command -v node >/dev/null && command -v npm >/dev/null || fail 'needs Node 20.19 or later with npm'
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  fail "needs Node 20.19 or later, and this is $(node --version)"

packages='etcd-server etcd-client glusterfs-server glusterfs-client slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge
  rsync fpart attr acl xfsprogs e2fsprogs fdisk iproute2 util-linux mount procps kmod curl gcc libc6-dev'
# The tests of GlusterFS in a container start an engine of their own; one that is installed already serves.
if [ "${1:-}" = containers ]; then
  command -v dockerd >/dev/null || packages="$packages docker.io"
  command -v debootstrap >/dev/null || packages="$packages debootstrap"
fi
missing=
for package in $packages; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) || status=
  [ "$status" = installed ] || missing="$missing $package"
done

# Installing a package must not start its service on this machine: the lab runs its own.
policy=/usr/sbin/policy-rc.d
mark='# Made by the setup of burstbuffer while it installs packages.'
if [ -n "$missing" ]; then
  echo "setup: installing$missing"
  if [ -e $policy ] && grep -qxF "$mark" $policy; then rm $policy; fi
  if [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >$policy
    chmod 755 $policy
  fi
  log=$(mktemp)
  export DEBIAN_FRONTEND=noninteractive
  if ! { apt-get -q update && apt-get -q install --yes --no-install-recommends $missing; } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    fail "apt-get could not install$missing: its output is in $log"
  fi
  rm "$log"
fi

if ! node lab/installed.js; then
  echo 'setup: npm ci'
  npm ci --no-audit --no-fund --loglevel=error </dev/null
fi

built=dist/.built
if [ ! -e $built ] || [ -n "$(find src package-lock.json tsconfig.json tsconfig.build.json -newer $built -print -quit)" ]; then
  echo 'setup: npm run build'
  mkdir -p dist
  touch dist/.begun
  npm run --silent build </dev/null
  mv dist/.begun $built
fi
