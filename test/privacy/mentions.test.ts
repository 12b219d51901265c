import { expect } from 'chai';
import { createMentions, isMentionedIn, replaceMentions } from '../../src/privacy/mentions.ts';

const PHONE = '+18045551234';
const ADA = 'ada.l@example.com';
const mail = (body: string, encoding: string) =>
  `From: shop@shop.example\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}\r\n`;
const base64 = (text: string) => Buffer.from(text).toString('base64');
const lines = (text: string) => base64(text).replace(/.{76}/g, '$&\r\n');
const LONG = 'The order of Ada, which was sent on Monday. ';

const MENTIONS: Record<string, [address: string, body: string | Buffer]> = {
  'a JSON body': [PHONE, '{"from":"+18045551234"}'],
  'a number without +': [PHONE, '{"msisdn":18045551234}'],
  'a form': [PHONE, 'From=%2B18045551234&To=%2B12016661234'],
  'a plus sign escaped in JSON': [PHONE, String.raw`{"from":"\u002b18045551234"}`],
  'a number with separators': [PHONE, '{"from":"+1 (804) 555-1234"}'],
  'a number without the country code in a form': [PHONE, 'From=%28804%29+555-1234'],
  'a digit after an encoded space': [PHONE, 'text=call%2018045551234'],
  'a foreign number': ['+447400123456', '{"from":"+44 7400 123456"}'],
  'another case': [ADA, '{"email":"Ada.L@EXAMPLE.com"}'],
  'a mailbox in a form': [ADA, 'from=Ada+%3Cada.l%40example.com%3E'],
  'a word before the address in a form': [ADA, 'text=mail+ada.l@example.com'],
  'an at sign escaped in JSON': [ADA, String.raw`{"email":"ada.l\u0040example.com"}`],
  'JSON in a form': [ADA, `payload=${encodeURIComponent(String.raw`{"to":"x\nada.l\u0040example.com"}`)}`],
  'the end of a sentence': [ADA, 'Write to ada.l@example.com.'],
  'a return path': [ADA, 'Return-Path: <bounces+ada.l=example.com@mail.example>'],
  'a domain in Unicode': ['ada@xn--bcher-kva.example', '{"from":"ada@bücher.example"}'],
  'a domain in escaped Unicode': [
    'ada@xn--bcher-kva.example',
    String.raw`{"from":"ada@b\u00fccher.example"}`,
  ],
  'a local part in Unicode': ['jürgen@example.com', Buffer.from('{"from":"jürgen@example.com"}')],
  'a soft line break': [ADA, mail('ask ada.l@exam=\r\nple.com', 'quoted-printable')],
  'an encoded at sign': [ADA, mail('ask ada.l=40example.com', 'quoted-printable')],
  'a soft line break in JSON': [
    ADA,
    JSON.stringify({ raw: mail('ada.l@exam=\r\nple.com', 'quoted-printable') }),
  ],
  'an encoded word': [ADA, `From: =?UTF-8?B?${base64(ADA)}?= <x@example.com>`],
  base64: [ADA, `{"Payload":"${base64(`${LONG}${ADA}`)}"}`],
  'base64 for URLs': [ADA, `{"data":"${Buffer.from(`${LONG}ÿÿ?>${ADA}`).toString('base64url')}"}`],
  'a part of an email in base64': [ADA, mail(lines(LONG.repeat(5) + ADA), 'base64')],
  'an email in base64 in JSON, with a part in base64': [
    ADA,
    JSON.stringify({ content: base64(mail(lines(`${LONG.repeat(5)}${PHONE} ${ADA}`), 'base64')) }),
  ],
  'JSON in JSON': [
    ADA,
    JSON.stringify({ Message: JSON.stringify({ raw: mail(lines(LONG + ADA), 'base64') }) }),
  ],
  'a short code as a whole value': ['12345', 'From=12345&To=1'],
  'a name as a whole value': ['ACME', '{"from":"Acme"}'],
};

const OTHERS: Record<string, [address: string, body: string]> = {
  'a longer number': [PHONE, '{"id":"180455512345"}'],
  'a number with another start': [PHONE, '{"id":"318045551234"}'],
  'another number': [PHONE, '{"from":"+18045551235"}'],
  'a longer domain': [ADA, 'ada.l@example.com.au'],
  'another local part': [ADA, 'x.ada.l@example.com and ada@example.com and b+ada.l@example.com'],
  'another character instead of the dot': [ADA, 'adaxl@example.com'],
  'a part of a word': ['ACME', '{"body":"ACME news"}'],
  'digits in a text': ['12345', '{"body":"code 12345"}'],
};

describe('Mentions of an address', () => {
  it('are found in every encoding that webhooks and emails have', () => {
    for (const [name, [address, body]] of Object.entries(MENTIONS))
      expect(createMentions(['+4915112345678', address])(body), name).to.equal(true);
    for (const [name, [address, body]] of Object.entries(OTHERS))
      expect(createMentions([address])(body), name).to.equal(false);
    expect(createMentions([])('anything')).to.equal(false);
  });

  it('are found where the parts of a body meet', async () => {
    const body = Buffer.from(mail(lines(`${LONG.repeat(200)}${ADA} ${LONG.repeat(200)}`), 'base64'));
    for (const size of [1_000, 1_001, 1_002, 1_003]) {
      const parts = async function* () {
        for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size);
      };
      expect(await isMentionedIn(parts(), createMentions([ADA]))).to.equal(true);
      expect(await isMentionedIn(parts(), createMentions(['bob@example.com']))).to.equal(false);
    }
  });

  it('are replaced in a plain text', () => {
    const text = '550 ADA.L@example.com: no such user (a dead address), see /x?to=ada.l%40example.com';
    expect(replaceMentions(text, ADA, 'erased-7')).to.equal(
      '550 erased-7: no such user (a dead address), see /x?to=erased-7',
    );
    expect(replaceMentions('to +18045551234, 18045551234, +180455512345', PHONE, 'erased-$&')).to.equal(
      'to erased-$&, erased-$&, +180455512345',
    );
  });
});
