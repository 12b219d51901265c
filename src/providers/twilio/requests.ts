/** The version of Twilio's API, the first part of each path. */
export const API = '2010-04-01';

/** The header `Authorization` of a request. */
export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
