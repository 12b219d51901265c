import { SegmentedMessage } from 'sms-segments-calculator';

/** The basic alphabet of GSM 03.38, with one septet per character. */
const BASIC = /^[A-Za-z0-9 \r\n@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ!"#¤%&'()*+,\-./:;<=>?¡ÄÖÑÜ§¿äöñüà]*$/;

/** The extension table of GSM 03.38, with two septets per character. */
const EXTENSION = new Set('\f^{}\\[~]|€');
const EXTENDED = /[\f^{}\\[~\]|€]/g;
/** Maximum length of an SMS, which has at most 255 segments (3GPP TS 23.040). */
const MAX_LENGTH = 255 * 153;
/** Maximum length for the library, because its time grows with the square of the length. */
const MAX_LIBRARY_LENGTH = 4_000;

/**
 * The number of segments of an SMS. A single segment has at most 160 characters, and each of several segments has 153; with
 * other alphabets 70 and 67. Null for an inbound text that is longer than any SMS.
 */
export function countSegments(body: string): number | null {
  if (body.length > MAX_LENGTH) return null;
  if (BASIC.test(body)) return body.length <= 160 ? 1 : Math.ceil(body.length / 153);
  if (body.length <= MAX_LIBRARY_LENGTH) return new SegmentedMessage(body, 'auto').segmentsCount;
  return isGsm(body)
    ? pack(body, 153, (character) => (EXTENSION.has(character) ? 2 : 1))
    : pack(body, 67, ({ length }) => length);
}

/** How a text is encoded as an SMS. */
export interface TextMeasure {
  encoding: 'GSM-7' | 'UCS-2';
  /** Septets of GSM-7, or UTF-16 units of UCS-2. */
  units: number;
  unitsPerSegment: 160 | 153 | 70 | 67;
  segments: number;
}

/** The encoding and the segments of an SMS; null for a text that is longer than any SMS. */
export function measureText(body: string): TextMeasure | null {
  const segments = countSegments(body);
  if (segments === null) return null;
  const extended = isGsm(body) ? (body.match(EXTENDED)?.length ?? 0) : null;
  if (extended === null)
    return { encoding: 'UCS-2', units: body.length, unitsPerSegment: segments === 1 ? 70 : 67, segments };
  const units = body.length + extended;
  return { encoding: 'GSM-7', units, unitsPerSegment: segments === 1 ? 160 : 153, segments };
}

/** Whether GSM-7 has every character of a text. */
export function isGsm(text: string): boolean {
  return BASIC.test(text) || BASIC.test(text.replaceAll(EXTENDED, ''));
}

/** The number of segments of this size if no segment ends inside a character. */
function pack(body: string, size: number, widthOf: (character: string) => number): number {
  let segments = 1;
  let used = 0;
  for (const character of body) {
    const width = widthOf(character);
    if (used + width > size) {
      segments++;
      used = 0;
    }
    used += width;
  }
  return segments;
}
