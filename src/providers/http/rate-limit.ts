/** Max delay: all workers wait, so one wrong number would stop the account for years. */
const CAP_MS = 60 * 60 * 1_000;
/** A greater number is a time and not a delay. */
const LONGEST_DELAY_SECONDS = 1_000_000_000;

/**
 * The time until a rate limit ends, from the header `x-ratelimit-reset`: seconds from now, or since 1970. Null if the header is
 * absent, repeated or invalid.
 *
 * @param now milliseconds since 1970.
 */
export function rateLimitResetMs(header: string | string[] | undefined, now: number): number | null {
  if (typeof header !== 'string' || !/^\d{1,10}(\.\d{1,9})?$/.test(header.trim())) return null;
  const seconds = Number(header);
  const delayMs = seconds < LONGEST_DELAY_SECONDS ? seconds * 1_000 : seconds * 1_000 - now;
  return Math.min(Math.max(0, Math.ceil(delayMs)), CAP_MS);
}
