import { hash } from 'node:crypto';
import { readReturnPath } from '../../mail/return-path.ts';
import { contentOf } from '../email/inbound.ts';
import { textOf } from '../email/json.ts';
import { verifyBasic } from '../http/basic-auth.ts';
import type { InboundWebhooks } from '../provider.ts';
import type { InboundMail, IncomingWebhook, WebhookContent } from '../webhook.ts';
import type { SendGridSettings } from './config.ts';
import { type FormPart, readForm } from './form.ts';
import { jsonIn, readParts, textIn } from './inbound-parts.ts';
import { verificationKey } from './signature.ts';
import { respond, verifySignature } from './webhook.ts';

/** An email of 30 MB, which is SendGrid's limit, with its form. */
const MAX_BYTES = 33_554_432;
/** SendGrid repeats inbound email for three days. */
const MAX_AGE_SECONDS = 73 * 60 * 60;

/**
 * Verifies and reads the webhooks of Inbound Parse: one email each, raw or in parts.
 * Source: https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook
 */
export function sendgridInbound(settings: NonNullable<SendGridSettings['inbound']>): InboundWebhooks {
  const keys = 'publicKeys' in settings ? settings.publicKeys.map(verificationKey) : [];
  return {
    headers: ['content-type'],
    maxBytes: MAX_BYTES,
    verify: async (webhook) =>
      'credentials' in settings
        ? verifyBasic(webhook.headers.authorization, settings.credentials)
        : verifySignature(webhook, keys, MAX_AGE_SECONDS),
    parse,
    respond,
  };
}

async function parse(webhook: IncomingWebhook): Promise<WebhookContent | null> {
  const form = await readForm(webhook.headers['content-type'], await webhook.body());
  if (form === null) return null;
  const content = await contentIn(form);
  if (content === null) return null;
  const envelope = jsonIn(form, 'envelope');
  const mail: InboundMail = {
    content,
    envelopeFrom: typeof envelope?.from === 'string' ? readReturnPath(envelope.from) : undefined,
    envelopeTo: [envelope?.to].flat().flatMap((each) => textOf(each) ?? []),
    spam: spamIn(form),
  };
  const payload = { envelope, ...reportsIn(form) };
  return contentOf(mail, idOf(form, content), payload);
}

async function contentIn(form: ReadonlyMap<string, FormPart>): Promise<InboundMail['content'] | null> {
  const raw = form.get('email');
  if (raw) return { raw: raw.content };
  return form.has('headers') ? { parsed: await readParts(form) } : null;
}

/** SendGrid gives an email no id. */
function idOf(form: ReadonlyMap<string, FormPart>, content: InboundMail['content']): string {
  const bytes = 'raw' in content ? content.raw : (form.get('headers') as FormPart).content;
  return hash('sha256', bytes, 'base64url');
}

function spamIn(form: ReadonlyMap<string, FormPart>): InboundMail['spam'] {
  const score = Number.parseFloat(textIn(form, 'spam_score') ?? '');
  return Number.isFinite(score) ? { score, flagged: null } : null;
}

/** What SendGrid reports about the email, for the payload. */
function reportsIn(form: ReadonlyMap<string, FormPart>): Record<string, string> {
  const names = ['SPF', 'dkim', 'sender_ip', 'spam_score', 'spam_report'];
  return Object.fromEntries(
    names.flatMap((name) => {
      const text = textIn(form, name);
      return text === null ? [] : [[name, text]];
    }),
  );
}
