#!/bin/sh
# Sets the machine up for what a program of the lab needs, and runs it: run.sh PROGRAM [ARGUMENT...]
set -eu
cd "$(dirname "$0")/.."
case " $* " in
*' --docker '*) sh lab/setup.sh docker ;;
*) sh lab/setup.sh ;;
esac
exec node --import tsx "$@"
