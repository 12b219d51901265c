import { createTokens } from '../../../src/providers/vonage/token.ts';
import type { SettingsChange } from '../../../src/simulator/settings.ts';
import type { WebhookCall } from '../../../src/simulator/webhook-client.ts';
import { APPLICATION_ID, PRIVATE_KEY, SIMULATED } from '../../support/vonage.ts';
import { startPlay } from '../support.ts';

export const FROM = '12016661234';
export const TO = '18045551234';
export const MESSAGES = '/vonage/v1/messages';
export const message = { channel: 'sms', message_type: 'text', to: TO, from: FROM, text: 'Hello' };

const newToken = createTokens(APPLICATION_ID, PRIVATE_KEY);

/** A simulator with a Vonage account, which checks every credential. Status webhooks have a delay of 5 ms by default. */
export async function startVonage(settings: SettingsChange = {}) {
  const play = await startPlay({
    ...SIMULATED,
    settings: { ...settings, receipts: { enabled: true, delay_ms: 5, ...settings.receipts } },
  });
  return {
    ...play,
    create: (fields: object = {}, authorization = `Bearer ${newToken()}`) =>
      play.call('POST', MESSAGES, { ...message, ...fields }, { authorization }),
    inbound: (fields: object = {}) =>
      play.call('POST', '/_control/inbound', { channel: 'sms', dialect: 'vonage', ...fields }),
    webhooks: async () => (await play.call('GET', '/_control/webhooks')).body.data as WebhookCall[],
  };
}

export type Vonage = Awaited<ReturnType<typeof startVonage>>;
