/** The current time for the dates in `RETRY_AFTER`. */
export const NOW = Date.UTC(2026, 0, 1);

/** Obsolete forms of a date (RFC 9110, section 5.6.7), which no sender may generate. */
export const OBSOLETE: [value: string, seconds: number][] = [
  ['Thursday, 01-Jan-26 00:00:09 GMT', 9],
  ['Thu Jan  1 00:00:09 2026', 9],
];

/** Values of `Retry-After` and their delay in seconds, rounded up; null for an invalid value, which is ignored. */
export const RETRY_AFTER: [value: string, seconds: number | null][] = [
  ['0', 0],
  ['7', 7],
  ['007', 7],
  [' 7\t', 7],
  ['60.0', 60],
  ['0.5', 1],
  ['0.001', 1],
  ['1.2', 2],
  ['59.999', 60],
  ['Thu, 01 Jan 2026 00:00:09 GMT', 9],
  ['Wed, 31 Dec 2025 23:59:59 GMT', 0],
  ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ...OBSOLETE,
  ...[
    ...[
      '',
      ' ',
      '-1',
      '-0.5',
      '+5',
      '.5',
      '5.',
      '1.2.3',
      '1e3',
      '1E3',
      '0x10',
      '5s',
      '5 s',
      '1,5',
      '5, 7',
      '5;7',
    ],
    ...['Infinity', 'NaN', 'null', 'soon', 'tomorrow', '٧', '５', '1_000', '"5"', '<5>'],
    // Invalid dates that Date.parse accepts.
    ...['2026-01', '2026-01-01', '2026-01-01T00:00:09Z', '1 Jan 2026', 'Jan 1 2026', '1/1/2026'],
    ...['Thu, 01 Jan 2026 00:00:09', 'Thu, 01 Jan 2026 00:00:09 UTC', 'Thu, 01 Jan 2026 00:00:09 +0000'],
    ...['Thu, 1 Jan 2026 00:00:09 GMT', 'thu, 01 jan 2026 00:00:09 gmt', '01 Jan 2026 00:00:09 GMT'],
    // Dates, hours or weekdays that do not exist.
    ...['Sat, 31 Feb 2026 00:00:00 GMT', 'Thu, 01 Jan 2026 25:00:00 GMT', 'Fri, 01 Jan 2026 00:00:09 GMT'],
    ...['Thu, 01 Foo 2026 00:00:09 GMT', 'Friday, 01-Jan-26 00:00:09 GMT', 'Thu Jan 32 00:00:09 2026'],
  ].map((value): [string, null] => [value, null]),
];
