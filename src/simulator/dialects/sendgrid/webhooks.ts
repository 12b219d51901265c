import { randomUUID } from 'node:crypto';
import { addressIn, bytesOf, type InboundEmail, inboundEmail, toMime } from '../../email/inbound.ts';
import type { ProviderFile } from '../../media/files.ts';
import { webhookUrlOf } from '../../settings.ts';
import type { Simulation } from '../../simulation.ts';
import type { Answer } from '../../webhook-client.ts';
import { signatureHeaders, type signingKey } from './signature.ts';

type Key = ReturnType<typeof signingKey>;

/** Posts events, signed, with the line end that SendGrid adds to the body. */
export function postEvents(simulation: Simulation, key: Key, events: readonly object[]): Promise<Answer> {
  const future = simulation.settings.sendgrid.unknown_fields ? { future: { field: [1] } } : {};
  const body = `${JSON.stringify(events.map((event) => ({ ...event, ...future })))}\r\n`;
  return post(simulation, key, webhookUrlOf(simulation, 'sendgrid'), 'application/json', Buffer.from(body));
}

/** Posts an inbound email: raw, or in parts with the field `in_parts`. */
export async function postInbound(
  simulation: Simulation,
  key: Key,
  { in_parts, ...fields }: Record<string, unknown>,
  files: readonly ProviderFile[],
): Promise<Answer> {
  const email = inboundEmail(fields, files);
  const mime = await toMime(email);
  const parts = in_parts === true ? textParts(email, mime) : [field('email', mime)];
  const boundary = randomUUID();
  const body = formOf(boundary, [...commonParts(email), ...parts]);
  const type = `multipart/form-data; boundary=${boundary}`;
  return post(simulation, key, `${webhookUrlOf(simulation, 'sendgrid')}/inbound`, type, body);
}

function post(simulation: Simulation, key: Key, url: string, type: string, body: Buffer): Promise<Answer> {
  const headers = {
    'content-type': type,
    'user-agent': 'SendGrid Event API',
    ...signatureHeaders(key, Math.floor(Date.now() / 1_000), body),
  };
  return simulation.webhooks.post(url, { dialect: 'sendgrid', headers, body });
}

interface Part {
  /** The header `Content-Disposition` after the type, and further headers. */
  head: string;
  content: Buffer;
}

function field(name: string, content: string | Buffer): Part {
  return { head: `name="${name}"`, content: Buffer.from(content) };
}

function commonParts({ from, to, cc, subject }: InboundEmail): Part[] {
  const recipients = [to, ...cc].map(addressIn);
  return [
    field('from', from),
    field('to', to),
    field('subject', subject),
    field('envelope', JSON.stringify({ to: recipients, from: addressIn(from) })),
    field('dkim', '{@gmail.com : pass}'),
    field('SPF', 'pass'),
    field('sender_ip', '192.0.2.1'),
    field('spam_score', '0.1'),
    field(
      'charsets',
      JSON.stringify({ to: 'UTF-8', from: 'UTF-8', subject: 'UTF-8', text: 'utf-8', html: 'utf-8' }),
    ),
  ];
}

/** Source: https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook */
function textParts({ text, html, files }: InboundEmail, mime: Buffer): Part[] {
  const info = files.map(({ name, contentType }, index) => [
    `attachment${index + 1}`,
    { filename: name ?? 'file', name: name ?? 'file', type: contentType },
  ]);
  return [
    field('headers', mime.subarray(0, mime.indexOf('\r\n\r\n') + 2)),
    field('text', text),
    ...(html === null ? [] : [field('html', html)]),
    field('attachments', String(files.length)),
    ...(files.length > 0 ? [field('attachment-info', JSON.stringify(Object.fromEntries(info)))] : []),
    ...files.map((file, index) => ({
      head: `name="attachment${index + 1}"; filename="${file.name ?? 'file'}"\r\nContent-Type: ${file.contentType}`,
      content: bytesOf(file),
    })),
  ];
}

function formOf(boundary: string, parts: readonly Part[]): Buffer {
  const body = parts.flatMap(({ head, content }) => [
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n\r\n`),
    content,
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...body, Buffer.from(`--${boundary}--\r\n`)]);
}
