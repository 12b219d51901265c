import { expect } from 'chai';
import { type AddressObject, type EmailAddress, simpleParser } from 'mailparser';
import type { Outgoing, OutgoingEmail, OutgoingFile } from '../../src/providers/outgoing.ts';

/** An email for a provider. */
export type Email = Outgoing & { email: OutgoingEmail };

/** A file of an email that a provider received. */
export interface ReceivedFile {
  name: string | null;
  /** Without parameters. */
  contentType: string;
  /** Without angle brackets. */
  contentId: string | null;
  disposition: 'inline' | 'attachment';
  content: Buffer;
}

export interface ReceivedAddress {
  name: string;
  address: string;
}

/** The parts of an email that a provider received. Message ids have no angle brackets. */
export interface ReceivedMail {
  from: ReceivedAddress[];
  to: ReceivedAddress[];
  cc: ReceivedAddress[];
  replyTo: ReceivedAddress[];
  subject: string;
  messageId: string | null;
  inReplyTo: string | null;
  references: string[];
  text: string | null;
  html: string | null;
  files: ReceivedFile[];
  /** The further headers, with names in lower case. */
  headers: Record<string, string>;
}

/** A picture with one pixel. */
export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
/** The begin and the end of a PDF, with every byte between, so that a change of line ends or of the charset is found. */
export const PDF = Buffer.concat([
  Buffer.from('%PDF-1.4\n'),
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  Buffer.from('\r\n.\r\n%%EOF\n'),
]);
export const PDF_NAME = '領収書（2026年11月）.pdf';
export const CONTENT_ID = 'logo.1@example.com';
export const BLIND_COPY = 'audit-blind@example.org';

function file(part: Pick<OutgoingFile, 'contentType' | 'name' | 'contentId'> & { content: Buffer }) {
  return { ...part, url: 'https://files.example.com/1', size: part.content.length };
}

/**
 * The email that each kind sends in its tests: a text, HTML with an inline picture, a PDF with a Japanese name, cc, bcc, reply_to,
 * display names, headers of a thread, and a further header.
 */
export function referenceEmail(changes: Partial<Email> = {}): Email {
  const to = ['ada@example.net', 'grace@example.net'];
  const [cc, bcc] = [['mary@example.net'], [BLIND_COPY]];
  const html =
    `<p>Grüße aus <b>東京</b> &amp; Zürich</p>\n<p><img src="cid:${CONTENT_ID}" alt="Logo"></p>\n.\n` +
    `<p>${'A long line. '.repeat(100)}</p>\n`;
  return {
    ...{ id: 42, type: 'email', from: 'shop@example.com', to, cc, bcc, reply_to: 'help@example.com' },
    subject:
      'Ihre Rechnung für November – 領収書をお送りします, a subject that is longer than one line of a header can be',
    body: html,
    timestamp: new Date('2026-11-27T10:00:00Z'),
    created_at: new Date('2026-11-27T10:00:01Z'),
    delivery_key: '0b3f9a52-6a0c-4b5e-9d0e-1f6f0a7c2d11',
    files: [
      file({ contentType: 'image/png', name: 'logo.png', contentId: CONTENT_ID, content: PNG }),
      file({ contentType: 'application/pdf', name: PDF_NAME, contentId: null, content: PDF }),
    ],
    email: {
      text: `Grüße aus 東京 & Zürich\n.\nFrom here on: ${'a long line. '.repeat(100)}\n`,
      html,
      messageId: 'm42.4f1d@example.com',
      inReplyTo: 'question@mail.example.net',
      references: ['first@mail.example.net', 'm40.a2@example.com', 'question@mail.example.net'],
      headers: { 'X-Ticket': '4711', 'List-Unsubscribe': '<https://example.com/unsubscribe?id=42>' },
      names: {
        'shop@example.com': 'Müller & Söhne, "Der Laden"',
        'ada@example.net': 'Ada Lovelace, Countess',
        'mary@example.net': '山田 花子',
        'help@example.com': 'Support (Team)',
      },
      envelope: [...to, ...cc, ...bcc],
    },
    ...changes,
  } as Email;
}

/** Reads a MIME message with a parser that the service does not use. */
export async function readBack(raw: Buffer): Promise<ReceivedMail> {
  const options = { skipImageLinks: true, skipHtmlToText: true, skipTextToHtml: true, skipTextLinks: true };
  const mail = await simpleParser(raw, options);
  return {
    from: addresses(mail.from),
    to: addresses(mail.to),
    cc: addresses(mail.cc),
    replyTo: addresses(mail.replyTo),
    subject: mail.subject ?? '',
    messageId: mail.messageId ? bare(mail.messageId) : null,
    inReplyTo: mail.inReplyTo ? bare(mail.inReplyTo) : null,
    references: [mail.references ?? []].flat().map(bare),
    text: mail.text ?? null,
    html: mail.html || null,
    files: mail.attachments.map(({ filename, contentType, cid, contentDisposition, content }) => ({
      ...{ name: filename ?? null, contentType, contentId: cid ?? null, content },
      disposition: contentDisposition === 'inline' ? 'inline' : 'attachment',
    })),
    headers: Object.fromEntries(
      mail.headerLines.map(({ key, line }) => [key, line.slice(line.indexOf(':') + 1).trim()]),
    ),
  };
}

/**
 * Asserts that a provider received the email whole. For an API without MIME, `received` has the fields of its request.
 *
 * @param messageId the expected Message-ID; null if the provider makes one of its own.
 */
export function expectSame(
  received: ReceivedMail,
  message: Email,
  messageId: string | null = message.email.messageId,
): void {
  const { email, files } = message;
  const namesOf = (list: readonly string[] | null) =>
    (list ?? []).map((address) => ({ name: email.names[address] ?? '', address }));
  const { headers, messageId: receivedId, ...rest } = received;
  const asLines = (text: string | null) => text?.replaceAll('\r\n', '\n').trimEnd() ?? null;
  expect({ ...rest, text: asLines(rest.text), html: asLines(rest.html) }).to.deep.equal({
    from: namesOf([message.from]),
    to: namesOf(message.to),
    cc: namesOf(message.cc),
    replyTo: namesOf(message.reply_to === null ? null : [message.reply_to]),
    subject: message.subject ?? '',
    inReplyTo: email.inReplyTo,
    references: email.references,
    text: asLines(email.text),
    html: asLines(email.html),
    files: files.map(({ name, contentType, contentId, content }) => ({
      ...{ name, contentType, contentId, content },
      disposition: contentId === null ? 'attachment' : 'inline',
    })),
  });
  expect(receivedId).to.equal(messageId);
  for (const [name, value] of Object.entries(email.headers))
    expect(headers[name.toLowerCase()], name).to.equal(value);
}

/** Asserts that the data of an email, in which every part is readable by a recipient, does not contain its blind copies. */
export function expectNoBlindCopy(raw: Buffer, { bcc }: Pick<Email, 'bcc'>): void {
  const text = raw.toString('latin1').toLowerCase();
  for (const address of bcc ?? []) expect(text).not.to.contain(address.toLowerCase());
  expect(text).not.to.match(/^bcc:/m);
}

function addresses(header: AddressObject | AddressObject[] | undefined): ReceivedAddress[] {
  const flatten = ({ name, address, group }: EmailAddress): ReceivedAddress[] =>
    group ? group.flatMap(flatten) : [{ name, address: address ?? '' }];
  return [header ?? []].flat().flatMap(({ value }) => value.flatMap(flatten));
}

function bare(id: string): string {
  return id.trim().replace(/^<|>$/g, '');
}
