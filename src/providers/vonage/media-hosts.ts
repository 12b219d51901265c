import { isOfHost, pathBelow } from '../media-hosts.ts';

/** The hosts of the API: api.nexmo.com, and one for each region, such as api-us.nexmo.com. */
const HOST = /^api(?:-[a-z]{2}(?:-\d)?)?\.nexmo\.com$/;
const PATH = /^\/v3\/media\/[^/]+$/;

/**
 * Whether a URL is the URL of an inbound file, which needs a token if the application has "Secure Inbound Media".
 * Source: https://developer.vonage.com/en/messages/concepts/secure-inbound-media
 */
export function isVonageMedia(url: URL, configured: string): boolean {
  const path = isOfHost(url, (name) => HOST.test(name)) ? url.pathname : pathBelow(url, configured);
  return PATH.test(path ?? '');
}
