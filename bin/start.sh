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
exec node_modules/.bin/node src/main.ts "$@"
