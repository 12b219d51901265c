import { isOfHost, pathBelow } from '../media-hosts.ts';
import type { TwilioSettings } from './config.ts';
import { API } from './requests.ts';

/**
 * The hosts of the API: api.twilio.com, and api.EDGE.REGION.twilio.com for the other regions. Source:
 * https://www.twilio.com/docs/global-infrastructure/using-the-twilio-rest-api-in-a-non-us-region
 */
const HOST = /^api(?:(?:\.[a-z]+(?:-[a-z]+)*)?\.[a-z]{2}\d)?\.twilio\.com$/;
/** Source: https://www.twilio.com/docs/messaging/api/media-resource */
const PATH = new RegExp(
  `^/${API}/Accounts/(AC[0-9a-f]{32})/Messages/[A-Z]{2}[0-9a-f]{32}/Media/ME[0-9a-f]{32}$`,
  'i',
);

/** Whether a URL is the URL of a file of a message of this account, which needs the credentials of the account. */
export function isTwilioMedia(url: URL, { url: configured, accountSid }: TwilioSettings): boolean {
  const path = isOfHost(url, (name) => HOST.test(name)) ? url.pathname : pathBelow(url, configured);
  return PATH.exec(path ?? '')?.[1] === accountSid;
}
