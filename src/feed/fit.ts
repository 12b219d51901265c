import type { Schema } from '../openapi/types.ts';

type Event = Schema<'Event'>;

/** Max bytes of an event, as Standard Webhooks recommend (https://www.standardwebhooks.com, "payload size"). */
const MAX_BYTES = 20_000;
/** Max items of the lists of a resource that is too large. */
const MAX_ITEMS = 20;
/** Max UTF-16 units of the subject and the metadata's values of a resource that is too large. */
const MAX_TEXT = 200;

/** Cuts the body, then the lists and other texts, of an event that is too large. */
export function fit(event: Event): Event {
  const bytes = bytesOf(event);
  if (bytes <= MAX_BYTES) return event;
  const data: Record<string, unknown> = { ...event.data };
  const cut = { ...event, data, truncated: true } as unknown as Event;
  cutBody(data, cut);
  if (bytesOf(cut) <= MAX_BYTES) return cut;
  for (const [name, value] of Object.entries(data)) data[name] = shorten(value);
  return cut;
}

/** Cuts the body to the length that fits, if the other fields leave enough. */
function cutBody(data: Record<string, unknown>, event: Event): void {
  const { body } = data;
  if (typeof body !== 'string') return;
  let length = body.length;
  while (length > 0 && bytesOf(event) > MAX_BYTES) {
    length = Math.floor(length * 0.8) - 1;
    data.body = body.slice(0, Math.max(0, length)).replace(/[\ud800-\udbff]$/, '');
  }
}

function shorten(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map(shorten);
  if (typeof value === 'string') return value.slice(0, MAX_TEXT);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).slice(0, MAX_ITEMS);
  return Object.fromEntries(entries.map(([name, own]) => [name, shorten(own)]));
}

function bytesOf(event: Event): number {
  return Buffer.byteLength(JSON.stringify(event));
}
