import { setTimeout as sleep } from 'node:timers/promises';
import type { AccountConfig } from '../../config/config.ts';
import { accountFields } from '../account-fields.ts';
import { composeMime } from '../email/mime.ts';
import { addressBeyondAscii, type Email } from '../email/recipients.ts';
import type { CallContext, Provider, SendOutcome } from '../provider.ts';
import { MAX_UPLOAD_MS } from '../upload-time.ts';
import { SMTP_CAPABILITIES } from './capabilities.ts';
import { checkSmtp } from './check.ts';
import type { SmtpSettings } from './config.ts';
import { BUSY, isConnectionLoss, needsUtf8, outcomeOf, refusedRecipients } from './outcome.ts';
import { SessionPool } from './pool.ts';
import { DATA_TIMEOUTS, ENVELOPE_TIMEOUTS, type Session } from './session.ts';
import { nameOf, smtpWebhooks } from './webhook.ts';

/** The delay before a call connects again, in milliseconds. */
const REPEAT_DELAY_MS = 1_000;

/**
 * An account at a mail server: RFC 5321 over TLS. The id of a message is its Message-ID.
 *
 * @param timeoutMs max time to connect and to log in, and for the reply to a command, in milliseconds.
 */
export function createSmtpProvider(account: AccountConfig<SmtpSettings>, timeoutMs: number): Provider {
  const { settings } = account;
  const pool = new SessionPool(settings.maxConnections);
  const client = { settings, pool, timeoutMs };
  // The wait for a connection, a lost connection, another connection, and one transaction.
  const longestAttemptMs = (1 + 2 + ENVELOPE_TIMEOUTS + DATA_TIMEOUTS) * timeoutMs + REPEAT_DELAY_MS;
  return {
    ...accountFields(account),
    capabilities: SMTP_CAPABILITIES,
    longestAttemptMs,
    longestLargeAttemptMs: longestAttemptMs + MAX_UPLOAD_MS,
    origin: `smtp://${settings.host}:${settings.port}`,
    mediaHeaders: () => null,
    answersOptOuts: () => false,
    send: (message, context) => send(client, message as Email, context),
    lookUp: async () => 'inconclusive',
    check: (context) => checkSmtp(account, timeoutMs, context),
    ...smtpWebhooks,
  };
}

interface Client {
  settings: SmtpSettings;
  pool: SessionPool;
  timeoutMs: number;
}

async function send(client: Client, message: Email, context: CallContext): Promise<SendOutcome> {
  const { pool, timeoutMs } = client;
  const content = await composeMime(message).catch((error: Error) => error);
  if (content instanceof Error) return outcomeOf(content);
  if (!(await pool.enter(timeoutMs, context.signal))) return BUSY;
  try {
    return await transact(client, message, content, context);
  } finally {
    pool.leave();
  }
}

/**
 * Sends a message in one transaction. If the server ends an idle session, or cannot be reached, the call connects again, once. After a
 * longer transaction, such as a large upload that was cut, it does not, because the lease has no time for two of them.
 */
async function transact(
  client: Client,
  message: Email,
  content: Buffer,
  context: CallContext,
): Promise<SendOutcome> {
  const idle = context.once ? null : client.pool.takeIdle();
  const startedAt = performance.now();
  const first = await attempt(client, idle, message, content, context);
  const isLong = performance.now() - startedAt > client.timeoutMs;
  if (!isConnectionLoss(first.error) || isLong || context.once || context.signal.aborted)
    return first.outcome;
  if (idle === null)
    await sleep(REPEAT_DELAY_MS, undefined, { signal: context.signal }).catch(() => undefined);
  if (context.signal.aborted || !(await context.mayContinue())) return first.outcome;
  return (await attempt(client, null, message, content, context)).outcome;
}

async function attempt(
  { pool, settings, timeoutMs }: Client,
  idle: Session | null,
  message: Email,
  content: Buffer,
  { signal, webhookUrl }: CallContext,
): Promise<{ outcome: SendOutcome; error: unknown }> {
  const { from, email } = message;
  let session = idle;
  try {
    session ??= await pool.open({ settings, name: nameOf(webhookUrl), timeoutMs, signal });
    const beyondAscii = addressBeyondAscii(message);
    if (beyondAscii !== undefined && !session.supportsUtf8) {
      pool.keep(session);
      return { outcome: needsUtf8(beyondAscii), error: null };
    }
    const { refused } = await session.send({ from, to: email.envelope }, content, { timeoutMs, signal });
    pool.keep(session);
    return { outcome: acceptedAs(email.messageId, refusedRecipients(refused)), error: null };
  } catch (error) {
    session?.quit();
    return { outcome: outcomeOf(error), error };
  }
}

function acceptedAs(providerMessageId: string, refused: ReturnType<typeof refusedRecipients>): SendOutcome {
  return {
    ...{ outcome: 'accepted', httpStatus: null, providerMessageId },
    ...(refused.length > 0 && { refused }),
  };
}
