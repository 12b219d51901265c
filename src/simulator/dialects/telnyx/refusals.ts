import type { Settings } from '../../settings.ts';
import type { Account } from './account.ts';
import { messageOf, partsOf, type SendRequest } from './message.ts';

/** Recipients in country code 1 whose last seven digits are `00` and an error code get this error. No real number has this form. */
const RECIPIENT_WITH_CODE = /^\+1\d{3}00([1-4]\d{4})$/;
/** Codes below this number, and some above it, are in reports and not in responses. */
const LAST_CODE_OF_REPORTS = 40_099;
const FIRST_CODE_OF_REPORTS = 40_000;
const MAX_PARTS = 10;

/** Returns the code of the error that refuses a message whose fields are valid; null for none. */
export function refusalOf(
  request: SendRequest,
  isGroup: boolean,
  account: Account,
  settings: Settings,
): number | null {
  const { from, text, media_urls: media = [], subject, messaging_profile_id, type } = request;
  if (from === undefined && messaging_profile_id === undefined) return 10004;
  if (!text && media.length === 0) return 40316;
  if (type === 'MMS' && media.length === 0 && subject === undefined) return 40304;
  if (type === 'SMS' && media.length > 0) return 40304;
  if (partsOf(messageOf(request, isGroup)) > MAX_PARTS) return 40302;
  const { senders } = settings.telnyx;
  if (from !== undefined && senders && !senders.includes(from)) return 40305;
  const recipients = [request.to].flat();
  if (recipients.some((to) => account.isBlocked(to))) return 40300;
  return recipients.map(testCodeOf).find((code) => code !== null && !isOfReports(code)) ?? null;
}

/** Returns the error code of an accepted message that will not be delivered to a recipient; null for none. */
export function deliveryErrorOf(recipient: string): number | null {
  const code = testCodeOf(recipient);
  return code !== null && isOfReports(code) ? code : null;
}

function isOfReports(code: number): boolean {
  return code >= FIRST_CODE_OF_REPORTS && code <= LAST_CODE_OF_REPORTS;
}

/** The same numbers fail as in the standard dialect. */
function testCodeOf(to: string): number | null {
  if (to.endsWith('0000009')) return 40310;
  if (to.endsWith('0000008')) return 40008;
  const code = RECIPIENT_WITH_CODE.exec(to)?.[1];
  return code === undefined ? null : Number(code);
}
