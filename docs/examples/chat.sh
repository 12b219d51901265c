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

# print_new SEEN: prints the inbound messages after the id SEEN to descriptor 3, and the id of the last message to stdout.
print_new() {
  local conversation page
  conversation=$(find_conversation) || return
  [ -n "$conversation" ] || { echo "$1" && return; }
  page=$(call "$url/conversations/$conversation/messages?after_id=$1&limit=200") || return
  jq -r '.data[] | select(.direction == "inbound") | "\(.from): \(.body)"' <<<"$page" >&3
  jq "[$1, .data[].id] | max" <<<"$page"
}

# Prints new messages every second. After a failed request, prints one line and tries again.
follow() {
  local seen=0 last failed=
  while sleep 1; do
    if last=$(print_new "$seen" 2>/dev/null); then
      seen=$last failed=
    elif [ -z "$failed" ]; then
      failed=yes
      echo 'Not read: the service cannot be reached, or refuses the request.' >&2
    fi
  done
}

follow 3>&1 &
trap "kill $! 2>/dev/null || true" EXIT
while IFS= read -r body; do
  sent=$((sent + 1))
  jq -n --arg from "$us" --arg to "$them" --arg body "$body" '$ARGS.named' |
    call "$url/messages/sms" -H 'Content-Type: application/json' -H "Idempotency-Key: chat-$(date +%s)-$$-$sent" \
      -d @- -o /dev/null || echo "Not sent: $body" >&2
done
