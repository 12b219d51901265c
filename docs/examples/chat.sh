#!/usr/bin/env bash
# A text chat with curl and jq: prints inbound messages, earlier messages first, and sends each typed line, until Ctrl-D.
# Reads MESSAGING_URL and API_KEY from the environment.
#   docs/examples/chat.sh +12016661234 +18045551234
set -euo pipefail
us=${1:-+12016661234} them=${2:-+18045551234} sent=0
url=${MESSAGING_URL:-http://127.0.0.1:8080}/api

call() { curl -sS --fail-with-body --retry 3 -H "Authorization: Bearer ${API_KEY:-none}" "$@"; }

find_conversation() {
  call "$url/conversations" --get --data-urlencode "participant=$us" --data-urlencode "participant=$them" |
    jq 'first(.data[] | select(.participants | length == 2)).id'
}

follow() {
  local seen=0 conversation page
  while sleep 1; do
    conversation=$(find_conversation)
    [ -n "$conversation" ] || continue
    page=$(call "$url/conversations/$conversation/messages?after_id=$seen&limit=200")
    jq -r '.data[] | select(.direction == "inbound") | "\(.from): \(.body)"' <<<"$page"
    seen=$(jq "[$seen, .data[].id] | max" <<<"$page")
  done
}

follow &
trap "kill $!" EXIT
while IFS= read -r body; do
  sent=$((sent + 1))
  jq -n --arg from "$us" --arg to "$them" --arg body "$body" '$ARGS.named' |
    call "$url/messages/sms" -H 'Content-Type: application/json' -H "Idempotency-Key: chat-$(date +%s)-$$-$sent" \
      -d @- >/dev/null
done
