#!/bin/sh
# Makes this machine able to run the lab and the tests: Debian packages, npm packages, build. Needs nothing but sh and node,
# does only what is missing, and is silent when nothing is.
#
#   setup.sh               the lab in namespaces
#   setup.sh containers    also a container engine, for the tests
#   setup.sh docker        the cluster in containers alone: on the engine that runs here, whatever the system, or on one of our own
set -eu
cd "$(dirname "$0")/.."
mode=${1:-}

fail() {
  echo "setup: $*" >&2
  exit 1
}

install_npm() {
  if ! node lab/installed.js; then
    echo 'setup: npm ci'
    npm ci --no-audit --no-fund --loglevel=error </dev/null
  fi
}

command -v node >/dev/null && command -v npm >/dev/null || fail 'needs Node 20.19 or later with npm'
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  fail "needs Node 20.19 or later, and this is $(node --version)"

# An engine that is there needs nothing of this machine.
if [ "$mode" = docker ] && { [ -n "${DOCKER_HOST:-}" ] || [ -S /var/run/docker.sock ]; }; then
  install_npm
  exit
fi

os=$(. /etc/os-release 2>/dev/null && echo "${ID:-} ${VERSION_ID:-}") || os=
instead="'npm run standalone' works here with Node and etcd"
[ "$mode" != docker ] || instead='no container engine is running here, and only there can one be set up'
[ "$os" = 'debian 12' ] || fail "needs Debian 12, and this is ${os:-another system}; $instead"
[ "$(id -u)" = 0 ] || fail "needs root, for namespaces, loop devices and mounts; $instead"

engine=
command -v dockerd >/dev/null || engine='docker.io'
command -v docker-compose >/dev/null || engine="$engine docker-compose"
command -v debootstrap >/dev/null || engine="$engine debootstrap"
case $mode in
docker) packages="iproute2 util-linux $engine" ;;
containers) packages="$(cat lab/packages) kmod gcc libc6-dev $engine" ;;
*) packages="$(cat lab/packages) kmod gcc libc6-dev" ;;
esac
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

install_npm
[ "$mode" != docker ] || exit 0

built=dist/.built
if [ ! -e $built ] || [ -n "$(find src package-lock.json tsconfig.json tsconfig.build.json -newer $built -print -quit)" ]; then
  echo 'setup: npm run build'
  mkdir -p dist
  touch dist/.begun
  npm run --silent build </dev/null
  mv dist/.begun $built
fi
