/**
 * The seconds of a `Retry-After` (RFC 9110, section 10.2.3): a number, with fractions rounded up, or a date in the form that
 * senders must generate. Undefined for any other value.
 */
export function retryAfter(
  { headers }: Pick<Partial<Response>, 'headers'>,
  now = Date.now(),
): number | undefined {
  const value = headers?.get('retry-after') ?? '';
  if (/^\d+(\.\d+)?$/.test(value)) return Math.ceil(Number(value));
  const time = new Date(value);
  // `Date` alone accepts many other texts: '0.5' would be a day in 2000.
  return time.toUTCString() === value ? Math.max(0, (time.getTime() - now) / 1_000) : undefined;
}
