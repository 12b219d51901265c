import { MatchersV3 } from '@pact-foundation/pact';
import { type Outcome, report } from '../../../src/simulator/dialects/standard/receipts.ts';
import { defaults } from '../../../src/simulator/settings.ts';
import type { Accepted } from '../../../src/simulator/store.ts';
import type { Interaction } from '../agreement.ts';
import { filled, time } from '../shapes.ts';
import { webhook } from './webhook.ts';

type Channel = Accepted['channel'];

const OUTCOMES: Outcome[] = [
  { status: 'queued', error: null },
  { status: 'sent', error: null },
  { status: 'delivered', error: null },
  { status: 'undelivered', error: { code: '30003', detail: 'The recipient cannot be reached' } },
  { status: 'failed', error: { code: '30008', detail: 'The carrier refused the message' } },
];

/** Each receipt that a provider sends of a message it was handed, and one that comes before the service knows of it. */
export function receipts(channel: Channel, idName: 'messaging_provider_id' | 'xillio_id'): Interaction[] {
  const id = channel === 'sms' ? 'sms_1' : 'eml_1';
  const recipient = channel === 'sms' ? '+18045551234' : 'contact@gmail.com';
  const message: Accepted = {
    id,
    dialect: 'standard',
    channel,
    idempotency_key: null,
    request_count: 1,
    request: {},
    accepted_at: '2024-11-01T14:00:00.000Z',
    sequence: 1,
    receipts: [],
  };
  const receipt = (is: string, outcome: Outcome, given?: Interaction['given']) =>
    webhook({
      is,
      ...(given && { given }),
      path: `/api/webhooks/${channel}/status`,
      body: {
        [idName]: filled(id),
        ...(outcome.recipient !== undefined && { recipient: filled(outcome.recipient) }),
        status: outcome.status,
        timestamp: time(),
        error: outcome.error && {
          code: filled(outcome.error.code),
          detail: MatchersV3.string(outcome.error.detail),
        },
      },
      sends: (sender, service_url) => {
        const settings = { ...defaults, service_url, receipts: { ...defaults.receipts, delay_ms: 0 } };
        return report(message, [outcome], () => settings, sender, new AbortController().signal);
      },
    });
  return [
    ...OUTCOMES.map((outcome) =>
      receipt(`a receipt that says ${outcome.status}`, outcome, [
        'a message was accepted by the provider',
        { channel, provider_message_id: id },
      ]),
    ),
    receipt('a receipt of a message that the service has no id of yet', OUTCOMES[2] as Outcome),
    receipt('a receipt of one recipient of a message', { ...(OUTCOMES[3] as Outcome), recipient }),
  ];
}
