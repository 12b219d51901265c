import type { Settings } from '../../settings.ts';
import type { Account } from './account.ts';
import type { Parameters } from './form.ts';

/** Phone numbers with a fixed result. Source: https://www.twilio.com/docs/iam/test-credentials#test-sms-messages */
const TEST_RECIPIENTS = new Map(
  Object.entries({
    '+15005550001': 21211,
    '+15005550002': 21612,
    '+15005550003': 21408,
    '+15005550004': 21610,
    '+15005550009': 21614,
  }),
);
const TEST_SENDERS = new Map(
  Object.entries({
    '+15005550001': 21212,
    '+15005550007': 21606,
    '+15005550008': 21611,
  }),
);
/** Recipients in country code 1 whose last seven digits are `00` and an error code get this error. No real number has this form. */
const RECIPIENT_WITH_CODE = /^\+1\d{3}00([23]\d{4})$/;
const FIRST_CODE_OF_DELIVERY = 30_000;
const OPTED_OUT = 21610;

/** Returns the code of the error that refuses a message whose parameters are valid; null for none. */
export function refusalOf(parameters: Parameters, account: Account, settings: Settings): number | null {
  const { To: to, From: from, MessagingServiceSid: service, Body: body, MediaUrl: media } = parameters;
  if (!from && !service) return 21603;
  if (!body && !media?.length) return 21619;
  if (to === from) return 21266;
  const { senders } = settings.twilio;
  if (from && senders && !senders.includes(String(from))) return 21606;
  const code =
    (from && TEST_SENDERS.get(String(from))) || testCodeOf(String(to)) || optOutOf(parameters, account);
  if (!code || code >= FIRST_CODE_OF_DELIVERY) return null;
  // A Messaging Service accepts a message before it checks the recipient, and reports an opt-out by a status callback.
  return code === OPTED_OUT && service ? null : code;
}

/** Returns the error code of an accepted message that will not be delivered; null for none. */
export function deliveryErrorOf(parameters: Parameters, account: Account): number | null {
  return testCodeOf(String(parameters.To)) ?? optOutOf(parameters, account);
}

function optOutOf({ To, From, MessagingServiceSid }: Parameters, account: Account): number | null {
  const senders = [From ?? [], MessagingServiceSid ?? []].flat();
  return account.hasOptedOut(String(To), senders) ? OPTED_OUT : null;
}

/** The same numbers fail as in the standard dialect. */
function testCodeOf(to: string): number | null {
  if (to.endsWith('0000009')) return 21211;
  if (to.endsWith('0000008')) return 30003;
  const code = RECIPIENT_WITH_CODE.exec(to)?.[1];
  return TEST_RECIPIENTS.get(to) ?? (code ? Number(code) : null);
}
