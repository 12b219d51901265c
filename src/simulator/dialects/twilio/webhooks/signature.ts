import { createHmac } from 'node:crypto';

/**
 * The header `X-Twilio-Signature` of a form: base64 of HMAC-SHA1 over the URL, followed by the name and the value of each
 * parameter, sorted by name. A repeated parameter counts with its different values, sorted.
 * Source: https://www.twilio.com/docs/usage/security#validating-requests
 *
 * @param url the URL as configured, with its query and without its fragment.
 */
export function signForm(authToken: string, url: string, form: URLSearchParams): string {
  const hmac = createHmac('sha1', authToken).update(url);
  for (const name of [...new Set(form.keys())].sort())
    for (const value of [...new Set(form.getAll(name))].sort()) hmac.update(name + value);
  return hmac.digest('base64');
}
