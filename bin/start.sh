#!/usr/bin/env bash
# Starts the service in the foreground, on the Node.js that it was installed with.
set -euo pipefail
cd "$(dirname "$0")/.."
# On a terminal only: a person sees at once that something happens.
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
# V8 would rather grow than collect where a machine has much memory: with these an API takes a quarter less, no slower.
# A worker is slower with them, and takes little anyway.
heap=(--max-semi-space-size=16 --heap-growing-percent=60)
[ "$role" != worker ] || heap=()
# What V8 makes of the sources is kept: reading it again takes a third of the CPU off a start.
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-node_modules/.cache/node}"
step 'Starting the messaging service'
exec node_modules/.bin/node ${heap[@]+"${heap[@]}"} src/main.ts "$@"
