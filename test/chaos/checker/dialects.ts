import { keyInCallback, keyInEcho } from './echo.ts';
import { fromResend, fromSendGrid, fromSmtp, fromTransaction } from './email.ts';
import type { AcceptedMessage, Call } from './evidence.ts';
import { fromTwilio } from './twilio.ts';

/** The statuses of Telnyx and of Vonage in the words of the service; any other status is kept as it is. */
const STATUSES: Record<string, string> = {
  ...{ submitted: 'sent', undeliverable: 'undelivered', rejected: 'failed' },
  ...{ delivery_failed: 'undelivered', sending_failed: 'failed', expired: 'failed' },
};

const DIALECTS: Record<string, (accepted: AcceptedMessage) => AcceptedMessage | Promise<AcceptedMessage>> = {
  ...{ twilio: fromTwilio, sendgrid: fromSendGrid, resend: fromResend, smtp: fromSmtp },
  telnyx: (accepted) => {
    const { from, to, text, media_urls: attachments = [], type, webhook_url } = accepted.request;
    return {
      ...accepted,
      idempotency_key: keyInCallback(webhook_url),
      request: { type: String(type).toLowerCase(), from, to, body: text, attachments },
      receipts: accepted.receipts.map(inWordsOfService),
    };
  },
  vonage: (accepted) => {
    const { channel, from, to, text, message_type, client_ref } = accepted.request;
    const isText = message_type === 'text';
    const media = accepted.request[String(message_type)] as { url: string; caption?: string };
    const content = isText ? { body: text } : { body: media.caption, attachments: [media.url] };
    return {
      ...accepted,
      idempotency_key: keyInEcho(client_ref),
      request: { attachments: [], ...content, type: channel, from: `+${from}`, to: `+${to}` },
      receipts: accepted.receipts.map(inWordsOfService),
    };
  },
};

/** A message of any provider with the fields of the standard kind, and with the delivery key by which callbacks name it. */
export async function fromDialect(accepted: AcceptedMessage): Promise<AcceptedMessage> {
  return (await DIALECTS[accepted.dialect]?.(accepted)) ?? accepted;
}

/** A call of any provider with the fields of the standard kind. */
export function callFromDialect(call: Call): Call {
  return call.dialect === 'smtp' ? fromTransaction(call) : call;
}

function inWordsOfService<Receipt extends { status: string }>(receipt: Receipt): Receipt {
  return { ...receipt, status: STATUSES[receipt.status] ?? receipt.status };
}
