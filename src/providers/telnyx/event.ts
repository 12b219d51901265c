/** An object of JSON whose fields are not checked. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A verified webhook of Telnyx. */
export interface TelnyxEvent {
  /** The whole body. */
  whole: JsonObject;
  data: JsonObject;
  payload: JsonObject;
  /** The id of the message at Telnyx. */
  messageId: string;
}

/** More recipients than a message can have. */
const MAX_ADDRESSES = 100;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects and texts in a list; empty for any other value. */
export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value.slice(0, MAX_ADDRESSES) : [];
}

/** The phone number in an object or a text; Telnyx sends both. Any other value is kept for the payload only: null. */
export function phoneNumberOf(value: unknown): string | null {
  const number = isObject(value) ? value.phone_number : value;
  return typeof number === 'string' && number.trim() !== '' ? number : null;
}

export function phoneNumbersOf(value: unknown): string[] {
  return listOf(value).flatMap((each) => phoneNumberOf(each) ?? []);
}
