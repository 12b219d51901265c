import type { Schema } from '../openapi/types.ts';

type Event = Schema<'Event'>;

/** Max bytes of an event, as Standard Webhooks recommend (https://www.standardwebhooks.com, "payload size"). */
export const MAX_BYTES = 20_000;
/** Limits of a resource that is too large: max items of its lists and metadata, and max UTF-16 units of its texts. */
const LIMITS = [
  { items: 20, units: 200 },
  { items: 10, units: 100 },
  { items: 5, units: 50 },
];
type Limit = (typeof LIMITS)[number];

/**
 * The texts of a message in the order in which they are cut: of an email, a consumer can show the reply alone, then the plain text, and
 * HTML only whole.
 */
const TEXTS = ['body', 'text', 'stripped_text'];

/** Cuts the texts of a message, then the lists and other texts, of an event that is too large. */
export function fit(event: Event): Event {
  const bytes = bytesOf(event);
  if (bytes <= MAX_BYTES) return event;
  const data: Record<string, unknown> = { ...event.data };
  const cut = { ...event, data, truncated: true } as unknown as Event;
  for (const name of TEXTS) cutText(name, data, cut);
  if (bytesOf(cut) <= MAX_BYTES) return cut;
  for (const limit of LIMITS) {
    for (const [name, value] of Object.entries(data)) data[name] = shorten(value, limit);
    const pairs = Object.entries(data.metadata ?? {}).slice(0, limit.items);
    if (data.metadata) data.metadata = Object.fromEntries(pairs);
    if (bytesOf(cut) <= MAX_BYTES) break;
  }
  return cut;
}

/** Cuts a text to the length that fits, if the other fields leave enough. */
function cutText(name: string, data: Record<string, unknown>, event: Event): void {
  const text = data[name];
  if (typeof text !== 'string') return;
  let length = text.length;
  while (length > 0 && bytesOf(event) > MAX_BYTES) {
    length = Math.floor(length * 0.8) - 1;
    data[name] = slice(text, Math.max(0, length));
  }
}

function shorten(value: unknown, limit: Limit): unknown {
  if (Array.isArray(value)) return value.slice(0, limit.items).map((item) => shorten(item, limit));
  if (typeof value === 'string') return slice(value, limit.units);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, own]) => {
      const short = shorten(own, limit);
      // A part of a link leads nowhere.
      return [name, name === 'url' && short !== own ? null : short];
    }),
  );
}

/** The first UTF-16 units of a text, without half of a surrogate pair. */
function slice(text: string, units: number): string {
  return text.length <= units ? text : text.slice(0, units).replace(/[\ud800-\udbff]$/, '');
}

function bytesOf(event: Event): number {
  return Buffer.byteLength(JSON.stringify(event));
}
