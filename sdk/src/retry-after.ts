/** The two obsolete forms of an HTTP-date (RFC 9110, section 5.6.7), with their replacement. */
const OBSOLETE: [RegExp, string][] = [
  [/^(\w{3})[a-z]*day, (\d\d)-(\w{3})-(\d\d) (\S+) GMT$/, '$1, $2 $3 20$4 $5 GMT'],
  [/^(\w{3}) (\w{3}) (\d\d) (\S+) (\d{4})$/, '$1, $3 $2 $5 $4 GMT'],
];

/**
 * The seconds of a `Retry-After` (RFC 9110, section 10.2.3): a number, with fractions rounded up, or an HTTP-date.
 * Undefined for any other value.
 */
export function retryAfter({ headers }: Response, now = Date.now()): number | undefined {
  const value = headers.get('retry-after') ?? '';
  if (/^\d+(\.\d+)?$/.test(value)) return Math.ceil(Number(value));
  let date = value.replace('  ', ' 0');
  for (const [form, parts] of OBSOLETE) date = date.replace(form, parts);
  const time = new Date(date);
  // `Date` alone accepts many other texts: '0.5' would be a day in 2000.
  return time.toUTCString() === date ? Math.max(0, (time.getTime() - now) / 1_000) : undefined;
}
