import type pg from 'pg';
import { execute } from '../../db/transaction.ts';
import { IdempotencyKeyReusedError, UnavailableError } from '../../errors.ts';
import { type AddressParser, isSendable } from '../../messaging/address.ts';
import type { NewMessage, Recorded } from '../../messaging/recording/new-message.ts';
import { outboundMessage } from '../../messaging/recording/outbound.ts';
import type { Recorder } from '../../messaging/recording/record.ts';
import type { Events } from '../../observability/events.ts';
import { hasSender } from '../../providers/eligibility.ts';
import type { Provider } from '../../providers/provider.ts';
import type { WebhookAccount } from '../../providers/webhook-account.ts';
import { RecipientSuppressedError } from '../../refusals.ts';

/** A later reply would confuse more than it helps. The delivery of a reply ends after the same time. */
const MAX_AGE_MS = 60 * 60 * 1_000;
/** No API key has a name with a space (`parseApiKeys`), so that no client uses the key of a reply. */
const OWN_KEYS = 'automatic reply';

export interface ReplyOptions {
  pool: pg.Pool;
  parseAddress: AddressParser;
  recorder: Recorder;
  events: Events;
}

/**
 * Whether the service may reply to a keyword: to a person, who wrote to one number, in the last hour, where the provider does not
 * reply itself. Two services that reply to each other would never end, so machines get no reply.
 */
export function mayReply(
  accounts: readonly Provider[],
  provider: WebhookAccount,
  message: NewMessage,
): boolean {
  const { sender, participants, row } = message;
  const [number = ''] = row.to;
  const own = participants.find(({ key }) => key === number);
  return (
    sender.type === 'phone' &&
    row.to.length === 1 &&
    number !== sender.key &&
    own !== undefined &&
    own.type !== 'email' &&
    isSendable(own) &&
    hasSender(provider, number) &&
    !accounts.some(({ senders }) => senders?.has(sender.key)) &&
    (provider.consentReplies ?? !provider.answersOptOuts(number)) &&
    isRecent(row.timestamp)
  );
}

function isRecent(time: Date): boolean {
  return time.getTime() > Date.now() - MAX_AGE_MS;
}

/** Whether the request that an inbound message is has changed the ledger, or is a HELP without another one in the last hour. */
const IS_ANSWERED = {
  name: 'is-opt-out-answered',
  text: 'select from opt_outs where message_id = $1 and is_answered',
};

/**
 * Records the automatic reply to a stored message, once: a redelivered webhook finds the reply by its idempotency key.
 *
 * @throws {UnavailableError} if the database is unavailable, so that the provider repeats the webhook.
 */
export async function replyTo(
  { pool, parseAddress, recorder, events }: ReplyOptions,
  account: string,
  { id, from, to, created_at }: Recorded['message'],
  text: string,
): Promise<void> {
  if (!isRecent(created_at)) return;
  const { rowCount } = await execute(pool, IS_ANSWERED, [id]);
  if (!rowCount) return;
  try {
    const number = to[0] as string;
    const reply = outboundMessage(
      parseAddress,
      { from: number, to: from, body: text, type: 'sms' },
      { channel: 'sms', actor: null, traceparent: null },
    );
    await recorder.record(
      {
        ...reply,
        idempotency: { apiKeyName: OWN_KEYS, key: String(id), requestHash: 'reply' },
        row: {
          ...{ ...reply.row, purpose: 'consent', accounts: [account] },
          expires_at: new Date(Date.now() + MAX_AGE_MS),
        },
      },
      async () => undefined,
    );
  } catch (error) {
    if (error instanceof UnavailableError) throw error;
    // Another reason than a STOP suppresses the recipient, or the reply of the same message exists.
    if (error instanceof RecipientSuppressedError || error instanceof IdempotencyKeyReusedError) return;
    events.failed('automatic_reply', error);
  }
}
