import type { Settings } from '../../settings.ts';
import type { Account } from './account.ts';

/** The fields of a request to send that the simulator reads. openapi.yaml validates them. */
export interface SendRequest {
  channel: 'sms' | 'mms';
  message_type: string;
  to: string;
  from: string;
  client_ref?: string;
  webhook_url?: string;
}

/** Recipients in country code 1 whose last seven digits are `000` and an error code get this error. No real number has this form. */
const RECIPIENT_WITH_CODE = /^1\d{3}000(1\d{3})$/;
/** The errors that Vonage finds before it accepts a message; all others are in a status webhook. */
const OF_REQUEST = new Set([1000, 1020, 1060, 1070, 1120, 1170, 1420, 1430]);
const OPTED_OUT = 1240;

/** Returns the code of the error that refuses a message whose fields are valid; null for none. */
export function refusalOf(
  { to, from, channel, message_type }: SendRequest,
  settings: Settings,
): number | null {
  if (to === from) return 1430;
  if (channel === 'sms' && message_type !== 'text') return 1440;
  const { senders } = settings.vonage;
  if (senders && !senders.includes(from)) return 1420;
  const code = testCodeOf(to);
  return code !== null && OF_REQUEST.has(code) ? code : null;
}

/** Returns the error code of an accepted message that will not be delivered; null for none. */
export function deliveryErrorOf({ to, from }: SendRequest, account: Account): number | null {
  return account.hasOptedOut(to, from) ? OPTED_OUT : testCodeOf(to);
}

/** The same numbers fail as in the standard dialect. */
function testCodeOf(to: string): number | null {
  if (to.endsWith('0000009')) return 1430;
  if (to.endsWith('0000008')) return 1260;
  const code = RECIPIENT_WITH_CODE.exec(to)?.[1];
  return code ? Number(code) : null;
}
