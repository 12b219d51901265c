import { hash, randomUUID } from 'node:crypto';
import type { ProviderFile } from '../../../media/files.ts';
import { webhookUrlOf } from '../../../settings.ts';
import type { Answer } from '../../../webhook-client.ts';
import { type AccountContext, autoresponseTypeOf } from '../account.ts';
import { mediaOf } from '../media.ts';
import { encodingOf, ORGANIZATION_ID, PROFILE_ID, partsOf } from '../message.ts';
import { eventOf } from './sender.ts';

/** The fields of `/_control/inbound`; other fields are added to the payload as they are. */
export interface InboundFields {
  id?: string;
  from?: string;
  /** Our number; several numbers get one copy each. */
  to?: string | string[];
  /** The other participants of a group. */
  cc?: string[];
  text?: string | null;
  /** URLs. */
  media?: string[];
  /** Entries of the field `media`. */
  files?: object[];
}

/**
 * Sends an inbound message to the service by webhook. STOP and START change the block rules of the account.
 *
 * @param files media of the message.
 * @returns the response to the last copy.
 * @throws {Error} there is no response.
 */
export async function receive(
  context: AccountContext,
  fields: Record<string, unknown>,
  files: readonly ProviderFile[] = [],
): Promise<Answer> {
  const { account, simulation, webhooks } = context;
  const { from = '+18045551234', text = 'Hello', to = '+12016661234' } = fields as InboundFields;
  const type = autoresponseTypeOf(text ?? '');
  account.apply(from, type);
  const url = webhookUrlOf(simulation, 'telnyx');
  const own = [to].flat();
  let answer: Answer | undefined;
  for (const number of own) {
    const given = { ...fields, from, text, to: number, files: mediaOf(files, simulation.url) };
    const payload = inboundPayload(given, own, type, url);
    answer = await webhooks.post([url], eventOf('message.received', payload));
  }
  return answer as Answer;
}

/** The payload of a copy of an inbound message. */
export function inboundPayload(
  given: InboundFields & { from: string; to: string },
  own: readonly string[],
  autoresponseType: string | null,
  url: string,
): object {
  const { id = randomUUID(), from, to, cc = [], text = null, media = [], files = [], ...others } = given;
  const participants = [...own.filter((number) => number !== to), ...cc];
  const type = media.length + files.length > 0 || participants.length > 0 ? 'MMS' : 'SMS';
  return {
    ...{ record_type: 'message', direction: 'inbound', id: own.length > 1 ? randomUUID() : id, type },
    ...{ messaging_profile_id: PROFILE_ID, organization_id: ORGANIZATION_ID },
    from: { phone_number: from, carrier: 'T-MOBILE USA, INC.', line_type: 'Wireless' },
    to: [{ phone_number: to, carrier: 'TELNYX LLC', line_type: 'VoIP', status: 'webhook_delivered' }],
    cc: participants.map((phone_number) => ({ phone_number, carrier: '', line_type: 'Wireless' })),
    ...{ text, autoresponse_type: autoresponseType, subject: null },
    media: [
      ...files,
      ...media.map((mediaUrl) => ({
        ...{ url: mediaUrl, content_type: 'image/png', size: 1_024 },
        sha256: hash('sha256', mediaUrl, 'hex'),
      })),
    ],
    ...{ webhook_url: url, webhook_failover_url: null, encoding: encodingOf(text ?? '') },
    ...{ parts: partsOf({ type, text }), tags: [], cost: null, received_at: new Date().toISOString() },
    ...{ sent_at: null, completed_at: null, valid_until: null, errors: [] },
    ...others,
  };
}
