#!/usr/bin/env bash
# Sends the eight requests of the exercise to a running service and checks the status of each response.
# Usage: bin/test.sh [URL]   (default: http://localhost:$PORT, port 8080 without PORT; API_KEY is sent if it is set)
# The script does not sign its webhooks: the providers of the service must accept unsigned webhooks, as those of `make run` do.
set -uo pipefail
url=${1:-${BASE_URL:-http://localhost:${PORT:-8080}}}
auth=()
[ -z "${API_KEY:-}" ] || auth=(-H "Authorization: Bearer $API_KEY")
failures=0

explain_401() {
  case $1 in
  /api/webhooks/*) echo '     This script does not sign webhooks, but the provider has a webhook secret (<NAME>_WEBHOOK_SECRETS).' ;;
  *) echo '     Set API_KEY to an API key of the service.' ;;
  esac
}

# expect STATUS TITLE METHOD PATH [BODY]
expect() {
  local status=$1 title=$2 method=$3 path=$4 answer got
  local args=(-sS -X "$method" "$url$path" "${auth[@]}" -w '\n%{http_code}')
  [ $# -lt 5 ] || args+=(-H 'Content-Type: application/json' -d "$5")
  answer=$(curl "${args[@]}")
  got=${answer##*$'\n'}
  if [ "$got" = "$status" ]; then
    echo "ok   $status  $title"
  else
    echo "FAIL $got instead of $status  $title"
    echo "     ${answer%$'\n'*}"
    [ "$got" != 401 ] || explain_401 "$path"
    failures=$((failures + 1))
  fi
}

run=$(date +%s)-$$
expect 202 'Send an SMS' POST /api/messages/sms \
  '{"from": "+12016661234", "to": "+18045551234", "type": "sms", "body": "Hello! This is a test SMS message.", "attachments": null, "timestamp": "2024-11-01T14:00:00Z"}'
expect 202 'Send an MMS' POST /api/messages/sms \
  '{"from": "+12016661234", "to": "+18045551234", "type": "mms", "body": "Hello! This is a test MMS message with attachment.", "attachments": ["https://example.com/image.jpg"], "timestamp": "2024-11-01T14:00:00Z"}'
expect 202 'Send an email' POST /api/messages/email \
  '{"from": "user@usehatchapp.com", "to": "contact@gmail.com", "body": "Hello! This is a test email message with <b>HTML</b> formatting.", "attachments": ["https://example.com/document.pdf"], "timestamp": "2024-11-01T14:00:00Z"}'
expect 200 'Receive an SMS' POST /api/webhooks/sms \
  '{"from": "+18045551234", "to": "+12016661234", "type": "sms", "messaging_provider_id": "sms-'"$run"'", "body": "This is an incoming SMS message", "attachments": null, "timestamp": "2024-11-01T14:00:00Z"}'
expect 200 'Receive an MMS' POST /api/webhooks/sms \
  '{"from": "+18045551234", "to": "+12016661234", "type": "mms", "messaging_provider_id": "mms-'"$run"'", "body": "This is an incoming MMS message", "attachments": ["https://example.com/received-image.jpg"], "timestamp": "2024-11-01T14:00:00Z"}'
expect 200 'Receive an email' POST /api/webhooks/email \
  '{"from": "contact@gmail.com", "to": "user@usehatchapp.com", "xillio_id": "email-'"$run"'", "body": "<html><body>This is an incoming email with <b>HTML</b> content</body></html>", "attachments": ["https://example.com/received-document.pdf"], "timestamp": "2024-11-01T14:00:00Z"}'
expect 200 'List the conversations' GET /api/conversations
expect 200 'List the messages of a conversation' GET /api/conversations/1/messages

if [ "$failures" -gt 0 ]; then
  echo "$failures of 8 requests failed"
  exit 1
fi
echo 'All 8 requests succeeded'
