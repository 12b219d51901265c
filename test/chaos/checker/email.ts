import { simpleParser } from 'mailparser';
import { keyInEcho } from './echo.ts';
import type { AcceptedMessage, Call } from './evidence.ts';

interface Address {
  email: string;
}

interface SendGridRequest {
  personalizations: { to: Address[]; cc?: Address[]; custom_args: { echo: string } }[];
  from: Address;
  subject: string;
  content: { type: string; value: string }[];
}

/** An email at SendGrid with the fields of the standard kind. The workload has neither blind copies nor files. */
export function fromSendGrid(accepted: AcceptedMessage): AcceptedMessage {
  const { personalizations, from, subject, content } = accepted.request as unknown as SendGridRequest;
  const addresses = (list: Address[] = []) => list.map(({ email }) => email);
  const [to, cc] = [
    personalizations.flatMap((each) => addresses(each.to)),
    personalizations.flatMap((each) => addresses(each.cc)),
  ];
  return {
    ...withRecipients(accepted, [...to, ...cc]),
    idempotency_key: keyInEcho(personalizations[0]?.custom_args.echo),
    request: {
      ...{ from: from.email, to, subject, body: content.at(-1)?.value, attachments: [] },
      ...(cc.length > 0 && { cc }),
    },
  };
}

/** An email at Resend with the fields of the standard kind. */
export function fromResend(accepted: AcceptedMessage): AcceptedMessage {
  const { from, to, cc, subject, text, html } = accepted.request;
  return {
    ...withRecipients(accepted, [to, cc ?? []].flat() as string[]),
    request: { from, to, subject, body: html ?? text, attachments: [], ...(cc !== undefined && { cc }) },
  };
}

/** An email at the mail server, with the recipients of its envelope. Its headers name all recipients of the message. */
export async function fromSmtp(accepted: AcceptedMessage): Promise<AcceptedMessage> {
  const { raw, to: envelope } = accepted.request as { raw: string; to: string[] };
  const mail = await simpleParser(Buffer.from(raw, 'latin1'), {
    ...{ skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true },
  });
  const addresses = (field: 'from' | 'to' | 'cc') =>
    [mail[field] ?? []].flat().flatMap(({ value }) => value.map(({ address }) => address));
  const cc = addresses('cc');
  return {
    ...accepted,
    recipients: envelope,
    idempotency_key: keyInMessageId(mail.messageId),
    request: {
      ...{ from: addresses('from')[0], to: addresses('to'), subject: mail.subject, attachments: [] },
      body: (mail.html || (mail.text ?? '')).trimEnd(),
      ...(cc.length > 0 && { cc }),
    },
  };
}

/** A report without a recipient is about each recipient. */
function withRecipients(accepted: AcceptedMessage, recipients: string[]): AcceptedMessage {
  const receipts = accepted.receipts.flatMap((receipt) =>
    receipt.recipient === undefined ? recipients.map((recipient) => ({ ...receipt, recipient })) : [receipt],
  );
  return { ...accepted, recipients, receipts };
}

/**
 * A transaction at the mail server as a call of the other providers. Its result is certain unless the server got a part of the
 * message and did not reply to it.
 */
export function fromTransaction(call: Call): Call {
  const { client_ref, message_id, status, fault } = call;
  const unanswered = message_id !== null ? 'lost_response' : client_ref !== null ? 'timeout' : 'reset';
  return {
    ...{ ...call, method: 'POST', client_ref: null, idempotency_key: keyInMessageId(client_ref) },
    fault: fault === null ? null : status === null ? unanswered : 'status',
  };
}

/** The delivery key in a Message-ID of the service; null for any other text. */
function keyInMessageId(id: unknown): string | null {
  return /^<?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@/.exec(String(id))?.[1] ?? null;
}
