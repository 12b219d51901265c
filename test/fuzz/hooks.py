"""Schemathesis hooks: credentials for each request, and a filter for expected findings."""

import base64
import hashlib
import hmac
import os
import re
import time

import requests
import schemathesis
from schemathesis.openapi.checks import RejectedPositiveData

API_KEY = os.environ["FUZZ_API_KEY"]
MAX_TIMESTAMP = 20
SECRET = base64.b64decode(os.environ["FUZZ_WEBHOOK_SECRET"].removeprefix("whsec_"))


class ApiKey(requests.auth.AuthBase):
    def __call__(self, request):
        request.headers["authorization"] = f"Bearer {API_KEY}"
        return request


class WebhookSignature(requests.auth.AuthBase):
    """Signs a webhook by Standard Webhooks 1.0.0: HMAC-SHA256 over id, timestamp and body."""

    def __call__(self, request):
        body = request.body or b""
        if isinstance(body, str):
            body = body.encode()
        identity = text_of(request.headers.get("webhook-id")) or "event-1"
        # Keeps a generated timestamp that the schema refuses, so that the service must refuse the request.
        given = text_of(request.headers.get("webhook-timestamp"))
        timestamp = given if len(given) > MAX_TIMESTAMP else str(int(time.time()))
        signed = f"{identity}.{timestamp}.".encode("latin-1") + body
        digest = hmac.new(SECRET, signed, hashlib.sha256).digest()
        request.headers["webhook-id"] = identity
        request.headers["webhook-timestamp"] = timestamp
        request.headers["webhook-signature"] = "v1," + base64.b64encode(digest).decode()
        return request


def text_of(header):
    return header.decode("latin-1") if isinstance(header, bytes) else header or ""


schemathesis.auth.set_from_requests(WebhookSignature()).apply_to(path_regex="^/api/webhooks/")
schemathesis.auth.set_from_requests(ApiKey()).apply_to(path_regex="^/api/(?!webhooks/)")

ADDRESSES = {
    "sms": ["+12016661234", "+1 (804) 555-1234", "804-555-0002"],
    "email": ["shop@example.com", "Ada <ada@example.com>", "[b@example.com](mailto:b@example.com)"],
}


@schemathesis.hook
def map_case(context, case):
    """Replaces the addresses of valid messages and endpoints with real ones, because the schema accepts any string."""
    is_valid = case.meta is not None and case.meta.generation.mode.is_positive
    if not is_valid or not isinstance(case.body, dict):
        return case
    # The service calls endpoints: no request may leave this machine.
    if context.operation.path.startswith("/api/endpoints") and "url" in case.body:
        case.body["url"] = "https://fuzz.invalid/events"
    if not context.operation.path.startswith("/api/messages/"):
        return case
    is_email = context.operation.path.endswith("/email") or case.body.get("type") == "email"
    sender, *others = ADDRESSES["email" if is_email else "sms"]
    for field, value in case.body.items():
        if field in ("from", "reply_to"):
            case.body[field] = sender
        elif field in ("to", "cc", "bcc"):
            case.body[field] = others[: len(value)] if isinstance(value, list) else others[0]
    return case


# Rules that the contract describes in text because JSON Schema cannot express them: the path and the message of the error.
# The service may refuse a request that is valid by its schema because of these rules only. The conformance tests generate
# requests that follow these rules.
RULES = [
    # The syntax of phone numbers and email addresses, and the channel of an address.
    (r"^/(body/(from|to|cc|bcc|reply_to)|query/(address|participant))", r"address|phone number|sender id"),
    # The fields of each type of message.
    (r"^/body/(subject|cc|bcc|reply_to|unsubscribe)", r"^is allowed for email only$"),
    # The recipient of an email with a link to unsubscribe.
    (r"^/body/(to|cc|bcc)/\d+$", r"^must be left out of an email with a link to unsubscribe"),
    (r"^/body/unsubscribe$", r"^must not be true with List-Unsubscribe in headers$"),
    (r"^/body/attachments$", r"only an mms has attachments$"),
    (r"^/body/to$", r"only an mms has several recipients$|^must not include the sender of a group message$"),
    (r"^/body/body$", r"^must not (be empty|have more than 1600 characters)$"),
    # The order of times, and times that cannot be stored.
    (r"^/body/expires_at$", r"^must be (after send_at|at most 7 days after the message is due)$"),
    (r"^/(body|query)/", r"^must (not be a leap second, which cannot be stored|be in the years 0001 to 9999 in UTC)$"),
    # A cursor is valid only if an earlier page returned the cursor.
    (r"^/query/cursor$", r"^is not a next_cursor of this list$"),
    (r"^/query/q$", r"^(must have a word to search for|cannot be read as a search)$"),
    # Schemathesis ignores this pattern because its regular expression engine does not support the pattern.
    (r"^/body/(xillio_id|messaging_provider_id)$", r"^must match pattern .*x00"),
    # Text that PostgreSQL cannot store.
    (r"^/(body|query)", r"^must (not contain a NUL character|be well-formed Unicode|be UTF-8, percent-encoded)$"),
]


def is_expected(error):
    return any(re.search(path, error["path"]) and re.search(rule, error["message"]) for path, rule in RULES)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    if not isinstance(failure, RejectedPositiveData) or response.status_code != 422:
        return True
    problem = response.json()
    # Schemathesis sends different requests with the same idempotency key.
    if problem["code"] == "idempotency_key_reused":
        return False
    return not all(is_expected(error) for error in problem["errors"])
