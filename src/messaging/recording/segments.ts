import { SegmentedMessage } from 'sms-segments-calculator';

/** GSM 03.38's basic alphabet: one septet a character, which needs no further look. */
const BASIC = /^[A-Za-z0-9 \r\n@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ!"#¤%&'()*+,\-./:;<=>?¡ÄÖÑÜ§¿äöñüà]*$/;

/** GSM 03.38's extension table: an escape and one septet. */
const EXTENSION = new Set('\f^{}\\[~]|€');
/** The length of the longest SMS: the header of a segment numbers at most 255 of them (3GPP TS 23.040). */
const LONGEST = 255 * 153;
/** The library's time grows with the square of the length. */
const LIBRARY_UP_TO = 4_000;

/**
 * The number of segments of an SMS: one of 160 characters, or several of 153 each; with other alphabets 70 and 67.
 * Null for a text that is longer than any SMS, which only webhooks bring.
 */
export function countSegments(body: string): number | null {
  if (body.length > LONGEST) return null;
  if (BASIC.test(body)) return body.length <= 160 ? 1 : Math.ceil(body.length / 153);
  if (body.length <= LIBRARY_UP_TO) return new SegmentedMessage(body, 'auto').segmentsCount;
  const isGsm = BASIC.test(body.replaceAll(/[\f^{}\\[~\]|€]/g, ''));
  return isGsm
    ? pack(body, 153, (character) => (EXTENSION.has(character) ? 2 : 1))
    : pack(body, 67, ({ length }) => length);
}

/** The number of segments of this size, none of which ends inside a character. */
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
