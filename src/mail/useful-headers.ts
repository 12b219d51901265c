import type { ParsedMail } from './parsed-mail.ts';

/**
 * The headers that messages show (docs/inbound-email.md). The others are in the email as it arrived, and those that a message has as
 * fields are left out.
 */
const USEFUL = new Set([
  'authentication-results',
  'auto-submitted',
  'content-language',
  'delivered-to',
  'feedback-id',
  'importance',
  'list-id',
  'list-unsubscribe',
  'list-unsubscribe-post',
  'organization',
  'precedence',
  'received-spf',
  'return-path',
  'sender',
  'user-agent',
  'x-auto-response-suppress',
  'x-autoreply',
  'x-forwarded-to',
  'x-mailer',
  'x-original-to',
  'x-priority',
]);
const MAX_VALUE = 2_000;

/** The useful headers by their names in lower case; of a repeated header, the first one. Null if there are none. */
export function usefulHeaders({ headers }: Pick<ParsedMail, 'headers'>): Record<string, string> | null {
  const useful: Record<string, string> = {};
  for (const { name, value } of headers)
    if (USEFUL.has(name))
      useful[name] ??= value.replace(/\s+/g, ' ').trim().slice(0, MAX_VALUE).toWellFormed();
  return Object.keys(useful).length > 0 ? useful : null;
}
