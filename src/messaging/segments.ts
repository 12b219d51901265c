import { SegmentedMessage } from 'sms-segments-calculator';

/** GSM 03.38's basic alphabet: one septet a character, which needs no further look. */
const BASIC = /^[A-Za-z0-9 \r\n@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ!"#¤%&'()*+,\-./:;<=>?¡ÄÖÑÜ§¿äöñüà]*$/;

/** How many segments an SMS takes: 160 characters, or 153 each in several; with other alphabets 70 and 67. */
export function countSegments(body: string): number {
  if (!BASIC.test(body)) return new SegmentedMessage(body, 'auto').segmentsCount;
  return body.length <= 160 ? 1 : Math.ceil(body.length / 153);
}
