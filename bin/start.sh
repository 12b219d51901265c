#!/usr/bin/env bash
# Starts the service in the foreground, on the Node.js that it was installed with.
set -euo pipefail
cd "$(dirname "$0")/.."
# Prints a step of the start, on a terminal only.
step() { [ ! -t 2 ] || printf '%s ...\n' "$1" >&2; }
if [ ! -x node_modules/.bin/node ]; then
  step 'Installing dependencies, once'
  npm ci --no-fund --no-audit --loglevel=error
fi
# src/main.ts reads the file. A variable of the environment takes precedence.
if [ -z "${ENV_FILE:-}" ] && [ -f .env ]; then ENV_FILE=.env; fi
export ENV_FILE="${ENV_FILE:-}"
role="${ROLE:-}"
if [ -z "$role" ] && [ -f "$ENV_FILE" ]; then
  role=$(sed -n "s/^[[:space:]]*\(export[[:space:]]\{1,\}\)\{0,1\}ROLE[[:space:]]*=[[:space:]]*[\"']\{0,1\}\([a-z]*\).*/\2/p" "$ENV_FILE" | tail -n 1)
fi
# On a machine with much memory, V8 grows its heap instead of collecting garbage. These options reduce the memory of the
# API by a quarter without loss of speed. They are not for a worker: a worker uses little memory and becomes slower.
heap=(--max-semi-space-size=16 --heap-growing-percent=60)
[ "$role" != worker ] || heap=()
# The compile cache of V8 saves a third of the CPU time of a start.
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-node_modules/.cache/node}"
case "${1:-serve}" in serve) step 'Starting the messaging service' ;; esac
exec node_modules/.bin/node ${heap[@]+"${heap[@]}"} src/main.ts "$@"
