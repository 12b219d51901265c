import { readInboundTime } from '../../messaging/recording/inbound-content.ts';

/** Clocks and time zones of senders are wrong by hours. */
const MAX_AHEAD_MS = 24 * 60 * 60 * 1_000;

/** A `Date` header; null, so that the time of arrival counts, if it is invalid, before 1970 or more than a day in the future. */
export function plausibleDate(date: string | null): string | null {
  const time = readInboundTime(date)?.getTime() ?? -1;
  return time >= 0 && time <= Date.now() + MAX_AHEAD_MS ? date : null;
}
