import type { UnsubscribeLinks } from '../../consent/unsubscribe-links.ts';
import type { Email } from '../../db/models/email.ts';
import type { Fault } from '../../errors.ts';
import type { Schema } from '../../openapi/types.ts';
import { NoAccountError } from '../../refusals.ts';

/** The headers of a link to unsubscribe (RFC 2369, section 3.2, and RFC 8058, section 3.1). */
const LINK = 'List-Unsubscribe';
const ONE_CLICK = 'List-Unsubscribe-Post';
const NAMES = new Set([LINK, ONE_CLICK].map((name) => name.toLowerCase()));

const PATH = '/body/unsubscribe';

type WithLink = Pick<Email, 'headers' | 'unsubscribe_key'>;

/**
 * Whether an email has a link to unsubscribe. The link names one recipient (RFC 8058, section 3.1), so that no recipient can
 * unsubscribe another.
 *
 * @param recipients without repeats.
 */
export function readUnsubscribe(
  {
    headers = {},
    purpose,
    unsubscribe,
  }: Pick<Schema<'UntypedMessage'>, 'headers' | 'purpose' | 'unsubscribe'>,
  recipients: readonly { path: string }[],
  faults: Fault[],
): boolean {
  if (Object.keys(headers).some((name) => NAMES.has(name.toLowerCase()))) {
    if (unsubscribe) faults.push({ path: PATH, message: `must not be true with ${LINK} in headers` });
    return false;
  }
  const hasLink = unsubscribe ?? purpose === 'marketing';
  const [, second] = recipients;
  if (hasLink && second !== undefined)
    faults.push({
      path: second.path,
      message:
        'must be left out of an email with a link to unsubscribe, which has one recipient; ' +
        'send one email to each recipient, or set unsubscribe to false',
    });
  return hasLink;
}

/** The refusal of an email that needs a link to unsubscribe if there are none; null otherwise. */
export function linkRefusal(hasLink: boolean, { areAvailable }: UnsubscribeLinks): NoAccountError | null {
  if (!hasLink || areAvailable) return null;
  return new NoAccountError('missing_capability', 'Links to unsubscribe need PUBLIC_URL, with https.', [
    {
      path: PATH,
      message:
        'is true (the default for marketing), but links to unsubscribe need PUBLIC_URL, with https; ' +
        'configure PUBLIC_URL, or set unsubscribe to false',
    },
  ]);
}

/** An email that is to be recorded, with the headers of its link to unsubscribe if it has one. */
export function withLink<E extends WithLink>(
  email: E | null,
  recipient: string,
  links: UnsubscribeLinks,
): E | null {
  if (!email?.unsubscribe_key) return email;
  const url = links.urlOf(email.unsubscribe_key, recipient);
  return {
    ...email,
    headers: { ...email.headers, [LINK]: `<${url}>`, [ONE_CLICK]: 'List-Unsubscribe=One-Click' },
  };
}

/** The headers of an email for responses: without the link to unsubscribe, which acts for the recipient. */
export function withoutLink({ headers, unsubscribe_key }: WithLink): WithLink['headers'] {
  if (headers === null || unsubscribe_key === null) return headers;
  const { [LINK]: _link, [ONE_CLICK]: _oneClick, ...given } = headers;
  return Object.keys(given).length > 0 ? given : null;
}
