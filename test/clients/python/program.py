"""Uses each kind of operation through the generated client, and prints a line for each result."""

import sys
import time
from datetime import datetime, timezone

from messaging_service_client import AuthenticatedClient
from messaging_service_client.api.conversations import (
    list_conversation_messages,
    list_conversations,
    update_conversation,
)
from messaging_service_client.api.endpoints import create_endpoint, delete_endpoint, rotate_endpoint_secret
from messaging_service_client.api.events import list_events
from messaging_service_client.api.messages import cancel_message, get_message, list_messages, retry_message, send_message
from messaging_service_client.models import (
    ConversationUpdate,
    EmailMessage,
    EmailMessageType,
    EventType,
    Message,
    MessageEvent,
    Metadata,
    NewEndpoint,
    Problem,
    SmsMessage,
    SmsMessageType,
    UntypedMessage,
)

url, key = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=key, raise_on_unexpected_status=True)
sms = SmsMessage(type_=SmsMessageType.SMS, from_="+12016661234", to="+18045551234", body="Hi")


def send(body, **options) -> Message:
    message = send_message.sync(client=client, body=body, **options)
    assert isinstance(message, Message), message
    return message


sent = send(sms, idempotency_key="once")
print("sms", sent.type_, sent.status, sent.to[0])
print("again", send(sms, idempotency_key="once").id - sent.id)
email = send(
    EmailMessage(type_=EmailMessageType.EMAIL, from_="shop@example.com", to=["ada@example.com"], body="Hi", subject="Hello")
)
print("email", email.type_, email.subject)
later = send(
    UntypedMessage(
        from_="+12016661234", to="+18045551234", body="Later", send_at=datetime(2999, 1, 1, tzinfo=timezone.utc)
    )
)
print("untyped", later.type_, later.status, later.send_at.year)
canceled = cancel_message.sync(later.id, client=client)
print("cancel", canceled.status)
conflict = retry_message.sync(later.id, client=client)
print("conflict", type(conflict).__name__, conflict.code)
read = get_message.sync(sent.id, client=client)
print("get", read.id - sent.id)
missing = get_message.sync_detailed(999_999, client=client)
print("missing", int(missing.status_code), missing.parsed.code)
found, cursor = 0, {}
while True:
    page = list_messages.sync(client=client, limit=2, **cursor)
    found += len(page.data)
    if page.next_cursor is None:
        break
    cursor = {"cursor": page.next_cursor}
print("list", found)
conversation = list_conversation_messages.sync(sent.conversation_id, client=client)
print("conversation", ",".join(message.body for message in conversation.data))
changes = ConversationUpdate(external_id="ticket-77", metadata=Metadata.from_dict({"team": "returns"}))
changed = update_conversation.sync(sent.conversation_id, client=client, body=changes)
print("external", changed.external_id, changed.metadata["team"])
taken = update_conversation.sync(email.conversation_id, client=client, body=changes)
print("taken", taken.status, taken.code)
same = list_conversations.sync(client=client, external_id="ticket-77")
print("found", same.data[0].id - sent.conversation_id)
types = [EventType.MESSAGE_QUEUED, EventType.MESSAGE_CANCELED]
for _ in range(200):
    # The position of an event is assigned shortly after the response.
    page = list_events.sync(client=client, after=0, type_=types, conversation_id=sent.conversation_id)
    if len(page.data) == 2:
        break
    time.sleep(0.05)
assert all(isinstance(event, MessageEvent) for event in page.data)
print("events", ",".join(f"{event.type_} {event.data.body}" for event in page.data))
delivered = NewEndpoint(url="https://receiver.example/events", enabled=False, event_types=[EventType.MESSAGE_DELIVERED])
endpoint = create_endpoint.sync(client=client, body=delivered)
print("endpoint", "enabled" if endpoint.enabled else "disabled", endpoint.event_types[0], endpoint.secret[:6])
rotated = rotate_endpoint_secret.sync(endpoint.id, client=client)
assert rotated.secret != endpoint.secret
print("rotated", rotated.secret[:6])
print("deleted", int(delete_endpoint.sync_detailed(endpoint.id, client=client).status_code))
refused = send_message.sync(client=client, body=SmsMessage.from_dict({**sms.to_dict(), "to": "nowhere at all"}))
assert isinstance(refused, Problem)
print("refused", refused.code, refused.errors[0].path)
stranger = get_message.sync(1, client=AuthenticatedClient(base_url=url, token="wrong"))
print("stranger", stranger.status, stranger.code)
