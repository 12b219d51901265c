import { createTokens } from '../../../src/providers/vonage/token.ts';
import { ACCOUNT_SID } from '../../../src/simulator/dialects/twilio/dialect.ts';
import type { DialectName } from '../../../src/simulator/settings.ts';
import { API_KEY } from '../../support/telnyx.ts';
import { APPLICATION_ID, PRIVATE_KEY, SIMULATED } from '../../support/vonage.ts';
import { type Play, type Received, type Receiver, startPlay, startReceiver } from '../support.ts';
import { basic } from '../twilio/support.ts';

export interface File {
  id: string;
  content_type: string;
  size: number;
  sha256: string;
}

/** The dialects whose inbound messages have files. */
type MediaDialect = Exclude<DialectName, 'ses' | 'resend' | 'sendgrid' | 'postmark' | 'smtp'>;

export const DIALECTS: readonly MediaDialect[] = ['standard', 'twilio', 'telnyx', 'vonage'];
const newToken = createTokens(APPLICATION_ID, PRIVATE_KEY);

/** The credentials that the provider of each dialect requires for its files; none for Telnyx. */
export const credentials: Record<MediaDialect, () => Record<string, string>> = {
  standard: () => ({ authorization: `Bearer ${API_KEY}` }),
  twilio: () => basic(ACCOUNT_SID, API_KEY),
  telnyx: () => ({}),
  vonage: () => ({ authorization: `Bearer ${newToken()}` }),
};

/** The URL of the only file in the webhook of each dialect. */
const URLS: Record<MediaDialect, (webhook: Received) => string | null> = {
  standard: ({ body }) => body.attachments[0],
  twilio: ({ text }) => new URLSearchParams(text).get('MediaUrl0'),
  telnyx: ({ body }) => body.data.payload.media[0].url,
  vonage: ({ body }) => (body.image ?? body.vcard).url,
};

/** A simulator with an account of each dialect, whose webhooks a receiver gets. */
export async function startMedia() {
  const receiver: Receiver = await startReceiver();
  const play: Play = await startPlay({
    ...SIMULATED,
    apiKey: API_KEY,
    settings: { service_url: receiver.url, receipts: { enabled: false } },
  });
  const addFile = async (file: object = {}): Promise<File> =>
    (await play.call('POST', '/_control/files', file)).body;
  return {
    ...{ play, receiver, addFile },
    /** Sends an inbound message with the file, and returns the webhook and the URL of the file. */
    inbound: async (dialect: MediaDialect, { id }: File) => {
      await play.call('POST', '/_control/inbound', { channel: 'sms', dialect, files: [id] });
      const webhook = receiver.received.at(-1);
      if (!webhook) throw new Error('no webhook was received');
      return { webhook, url: String(URLS[dialect](webhook)) };
    },
    stop: async () => {
      await play.stop();
      await receiver.stop();
    },
  };
}

export type MediaPlay = Awaited<ReturnType<typeof startMedia>>;

/** Reads a file as a client that sends the credentials to the first host only. */
export async function read(url: string, headers: Record<string, string>): Promise<Response> {
  const response = await fetch(url, { headers, redirect: 'manual' });
  const location = response.headers.get('location');
  return location === null ? response : fetch(location);
}
