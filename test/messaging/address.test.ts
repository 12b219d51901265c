import { expect } from 'chai';
import fc from 'fast-check';
import { type AddressType, isSendable, parseAddress } from '../../src/messaging/address.ts';

const LRM = '\u200e';
const LRE = '\u202a';
const PDF = '\u202c';
const NBSP = '\u00a0';

const keyOf = (input: string, region: 'US' | 'GB' | 'MX' | 'AR' = 'US') =>
  parseAddress(input, region)?.key ?? null;

describe('Address syntax', () => {
  const cases: [string, string, [input: string, key: string | null][]][] = [
    [
      'a phone number',
      'is read in any written form',
      [
        ['+12016661234', '+12016661234'],
        ['+1 (201) 666-1234', '+12016661234'],
        ['201.666.1234', '+12016661234'],
        ['+15551234567', '+15551234567'],
        ['+44 20 7946 0958', '+442079460958'],
        ['+44 (0)20 7946 0958', '+442079460958'],
        ['011 44 20 7946 0958', '+442079460958'],
        ['+1', null],
        ['12', null],
        ['+123456789012345678', null],
        ['201+6661234', null],
        ['call 201 666 1234', null],
        ['201 666 1234, 804 555 1234', null],
      ],
    ],
    [
      'a pasted phone number',
      'is read without invisible characters and punctuation around and in the number',
      [
        [`${LRE}+1 804 555 1234${PDF}`, '+18045551234'],
        [`${LRM}(804) 555-1234${LRM}`, '+18045551234'],
        [`+1${LRM} 804\u200b555\u2060\u00ad1234`, '+18045551234'],
        [`\ufeff+1${NBSP}804\u202f555\u20091234`, '+18045551234'],
        ['+1\u2011804\u2013555\u20141234', '+18045551234'],
        ['804\u2212555\u30fc1234', '+18045551234'],
        ['\t804\t555\t1234\r\n', '+18045551234'],
        ['＋１（８０４）５５５－１２３４', '+18045551234'],
        ['٨٠٤ ٥٥٥ ١٢٣٤', '+18045551234'],
        ['(+1) 804-555-1234', '+18045551234'],
        ['[+1] 804/555~1234', '+18045551234'],
        ['"+1 804 555 1234",', '+18045551234'],
        ['\u201c804 555 1234\u201d', '+18045551234'],
        ['\u260e\ufe0f +1 804 555 1234.', '+18045551234'],
        ['<+18045551234>;', '+18045551234'],
        ['\x07+18045551234', null],
        ['+18045551234\x00', null],
        ['#18045551234', null],
        ['+ 1 804 555 1234', '+18045551234'],
        ['1\u20112\u20113\u20114\u20115', null],
      ],
    ],
    [
      'a tel: URI',
      'is read with its parameters, but refused with an extension',
      [
        ['tel:+1-201-666-1234', '+12016661234'],
        ['TEL:+12016661234;phone-context=example.com', '+12016661234'],
        ['tel:666-1234;phone-context=+1-201', '+12016661234'],
        ['tel:201-666-1234;phone-context=+1', '+12016661234'],
        ['tel:+12016661234;isub=7', '+12016661234'],
        ['tel:+12016661234;ext=12', null],
        ['tel:+12016661234;isub=7;EXT=12', null],
        ['+1 201 666 1234 x123', null],
        ['+1 201 666 1234 ext. 5', null],
        ['+1 201 666 1234#5', null],
        ['+1 201 666 1234;ext=5', null],
        ['tel:', null],
      ],
    ],
    [
      'a Mexican number',
      'is read without the prefixes that were removed in 2019',
      [
        ['+52 1 55 1234 5678', '+525512345678'],
        ['+5215512345678', '+525512345678'],
        ['+521 55 1234 5678', '+525512345678'],
        ['011 52 1 55 1234 5678', '+525512345678'],
        ['+52 044 55 1234 5678', '+525512345678'],
        ['+52 045 55 1234 5678', '+525512345678'],
        ['+52 01 55 1234 5678', '+525512345678'],
        ['+52 55 1234 5678', '+525512345678'],
        ['+52 1 55 1234 56789', null],
        ['+52 2 55 1234 5678', null],
        ['+1 1 804 555 1234', '+18045551234'],
      ],
    ],
    [
      'an email address',
      'is read from a display name, a mailto: URI or a Markdown link, in lower case',
      [
        ['User@Example.COM', 'user@example.com'],
        ['Ada Lovelace <Ada@x.org>', 'ada@x.org'],
        ['"Lovelace, Ada" <ada@x.org>', 'ada@x.org'],
        ['"<b@y.org>" <ada@x.org>', 'ada@x.org'],
        ['"Ada \\"the first\\"" Lovelace <ada@x.org>', 'ada@x.org'],
        ['Dr. Ada Lovelace\t<ada@x.org>'.replace('\t', ' '), 'ada@x.org'],
        ['ada@x.org <Ada@X.org>', 'ada@x.org'],
        ['<ada@x.org>', 'ada@x.org'],
        ['mailto:ada@x.org', 'ada@x.org'],
        ['[user@usehatchapp.com](mailto:user@usehatchapp.com)', 'user@usehatchapp.com'],
        ['[Ada@x.org](mailto:ada@X.org)', 'ada@x.org'],
        ['[mailto:ada@x.org](mailto:ada@x.org)', 'ada@x.org'],
        ['[Ada](mailto:ada@x.org)', 'ada@x.org'],
        ['[](mailto:ada@x.org)', 'ada@x.org'],
        ['  a@b  ', 'a@b'],
        [`${LRM}ada@x.org${NBSP}`, 'ada@x.org'],
        ['\u2800ada@x.org\u3164\u2800', 'ada@x.org'],
        [`Ada <${LRE}ada@x.org${PDF}>`, 'ada@x.org'],
        ['ada+tag@x.org', 'ada+tag@x.org'],
        ["o'neill@x.org", "o'neill@x.org"],
        ['"abc..def"@docomo.example', 'abc..def@docomo.example'],
        [`${'l'.repeat(256)}@x.org`, `${'l'.repeat(256)}@x.org`],
        [`${'l'.repeat(257)}@x.org`, null],
      ],
    ],
    [
      'an international email address',
      'has one normal form for all spellings',
      [
        ['ada@bücher.example', 'ada@xn--bcher-kva.example'],
        ['ada@BÜCHER.example', 'ada@xn--bcher-kva.example'],
        ['ada@bu\u0308cher.example', 'ada@xn--bcher-kva.example'],
        ['ada@XN--BCHER-KVA.example', 'ada@xn--bcher-kva.example'],
        ['ada@example.com.', 'ada@example.com'],
        ['ada@example。com', 'ada@example.com'],
        ['ada@example．com｡', 'ada@example.com'],
        ['ada@ｅｘａｍｐｌｅ.com', 'ada@example.com'],
        ['ada@faß.example', 'ada@xn--fa-hia.example'],
        ['jose\u0301@x.org', 'josé@x.org'],
        ['JOSÉ@x.org', 'josé@x.org'],
        ['ΟΔΟΣ@x.org', 'οδοσ@x.org'],
        ['οδος@x.org', 'οδοσ@x.org'],
        ['ada@xn--bcher-kva.example。', 'ada@xn--bcher-kva.example'],
        ['ada@1א.example', null],
        ['ada@bü/cher.example', null],
        ['ada@bü%2fcher.example', null],
        ['ada@bü:80', null],
        ['ada@１２７．１', null],
        ['ada@127.0.0.1', null],
        ['ada@[127.0.0.1]', null],
        ['ada@x..org', null],
        ['ada@x.org..', null],
        ['ada@.x.org', null],
        [`ada@${'l'.repeat(64)}.org`, null],
        [`ada@${'label.'.repeat(50)}org`, null],
      ],
    ],
    [
      'text that is not exactly one email address',
      'is refused',
      [
        ['a@b, c@d', null],
        ['a@b; c@d', null],
        ['a@b c@d', null],
        ['<a@x.example> <b@y.example>', null],
        ['<a@x.example>, <b@y.example>', null],
        ['<a@x.example><b@y.example>', null],
        ['a@x.example <b@y.example>', null],
        ['Ada <a@x.example> Bob', null],
        ['Ada <a@x.example', null],
        ['a@x.example>', null],
        ['<<a@x.example>>', null],
        ['Friends: a@x.example;', null],
        ['Friends: a@x.example, b@y.example;', null],
        ['Re: Ada <a@x.example>', null],
        ['a@x.example (Ada)', null],
        ['(Ada) a@x.example', null],
        ['Ada (PhD) <a@x.example>', null],
        ['Lovelace, Ada <a@x.example>', null],
        ['<@relay.example:a@x.example>', null],
        ['[Ada](mailto:a@x.example) <b@y.example>', null],
        ['[ada@x.example](mailto:eve@y.example)', null],
        ['[ada@x.example.](mailto:ada@x.example.evil.example)', null],
        ['[Ada ada@x.example](mailto:eve@y.example)', null],
        ['[@ada](mailto:eve@y.example)', null],
        ['mailto:a@x.example?subject=x', null],
        ['"unterminated <a@x.example>', null],
        ['"john doe"@x.org', null],
        ['a@', null],
        ['@b', null],
        ['@', null],
        ['a b@c', null],
        ['a@b c', null],
        ['a@b@c', null],
      ],
    ],
    [
      'a control, zero-width, bidi or blank character',
      'is refused inside an address',
      [
        ...['\0', '\x07', '\x1b', '\x7f', '\x85', '\u00ad', '\u200b', '\u200d', '\u202e', '\u2066', '\u2028'],
        ...[
          '\ufeff',
          '\ufe0f',
          '\u3164',
          '\u2800',
          '\u115f',
          '\u1160',
          '\uffa0',
          '\u{e0041}',
          '\r\n',
          NBSP,
          '\ud800',
        ],
      ].flatMap((mark): [string, null][] => [
        [`a${mark}da@x.org`, null],
        [`ada@ex${mark}ample.org`, null],
        [`ada@b\u00fc${mark}cher.org`, null],
      ]),
    ],
    [
      'a control character',
      'is refused in a display name',
      ['\r\nBcc: b@y.org', '\n', '\t', '\x1b', '\x7f', '\x9f', '\u2028', '\u2029'].flatMap(
        (mark): [string, null][] => [
          [`Ada${mark} <ada@x.org>`, null],
          [`"Ada${mark}" <ada@x.org>`, null],
        ],
      ),
    ],
    [
      'a short code',
      'is accepted without changes',
      [
        ['123', '123'],
        ['12345', '12345'],
        ['１２３４５', '12345'],
        ['7234567', '7234567'],
        ['12345678', '12345678'],
        ['*123', '*123'],
        ['+12345', '+12345'],
        ['#123', null],
      ],
    ],
    [
      'an alphanumeric sender id',
      'has at most 11 characters of the GSM alphabet',
      [
        ['ACME Shop', 'ACME Shop'],
        ['Booking.com', 'Booking.com'],
        ["O'Neill", "O'Neill"],
        ['Café', 'Café'],
        ['Cafe\u0301', 'Café'],
        [`ACME${NBSP}Shop`, 'ACME Shop'],
        ['Größe €', 'Größe €'],
        ['ΔΣ', 'ΔΣ'],
        ['twelve chars', null],
        ['Привет', null],
        ['a\tb', null],
        ['a\u200bb', null],
        ['!!!', null],
        ['', null],
        [' ', null],
      ],
    ],
  ];
  for (const [subject, behaviour, inputs] of cases)
    it(`${subject} ${behaviour}`, () => {
      for (const [input, key] of inputs) expect(keyOf(input), JSON.stringify(input)).to.equal(key);
    });

  it('a phone number without a country code is read in the default region', () => {
    expect(keyOf('020 7946 0958', 'GB')).to.equal('+442079460958');
    expect(keyOf('00 52 1 55 1234 5678', 'MX')).to.equal('+525512345678');
    expect(keyOf('044 55 1234 5678', 'MX')).to.equal('+525512345678');
  });

  it('an Argentine mobile number keeps its 9', () => {
    expect(keyOf('+54 9 11 1234 5678')).to.equal('+5491112345678');
    expect(keyOf('011 15 1234 5678', 'AR')).to.equal('+5491112345678');
  });

  it('an address is sendable only if providers accept addresses of its form', () => {
    const sendable = (input: string) => isSendable(parseAddress(input, 'US') ?? { type: 'other', key: '' });
    const emails = [`${'l'.repeat(64)}@x.org`, `${'é'.repeat(32)}@x.org`];
    const longEmails = [`${'l'.repeat(65)}@x.org`, `${'é'.repeat(33)}@x.org`];
    const accepted = ['+12016661234', '12345', 'ACME Shop', ...emails];
    const refused = ['1234567', '*123', '+12345', 'Booking.com', 'Café', ...longEmails];
    expect(accepted.map(sendable)).to.deep.equal(accepted.map(() => true));
    expect(refused.map(sendable)).to.deep.equal(refused.map(() => false));
  });
});

/** Text that is likely to be parsed as an address: fragments of all sorts of addresses in any order. */
const fragments = fc
  .array(
    fc.oneof(
      fc.constantFrom('@', '.', '<', '>', '"', '\\', ',', ';', ':', '(', ')', '[', ']', '+', '*', ' ', '\t'),
      fc.constantFrom(
        'a@b.c',
        'Ada',
        'tel:',
        'mailto:',
        '](mailto:',
        ';ext=',
        'xn--',
        '+52 1',
        '201 666 1234',
      ),
      fc.constantFrom('ü', 'u\u0308', 'İ', 'ß', 'Σ', '。', '１', '\u200e', '\u202e', '\0', '\ud800', '€'),
      fc.string({ maxLength: 5 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));
const anyText = fc.oneof(
  fragments,
  fc.string({ unit: 'binary' }),
  fc.emailAddress(),
  fc.stringMatching(/^\+?[\d ()-]{3,18}$/),
);

describe('Parsing an address', () => {
  it('never throws, and parses its own result as the same address', () => {
    fc.assert(
      fc.property(anyText, (input) => {
        const first = parseAddress(input, 'US');
        if (first) expect(parseAddress(first.key, 'US')).to.deep.equal(first);
      }),
      { numRuns: 4_000 },
    );
  });

  it('returns no control or invisible characters', () => {
    fc.assert(
      fc.property(anyText, (input) => {
        expect(keyOf(input) ?? '').not.to.match(/[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}]/u);
      }),
      { numRuns: 4_000 },
    );
  });

  const respellings: Record<Extract<AddressType, 'email' | 'phone'>, ((text: string) => string)[]> = {
    email: [
      (text) => text.toUpperCase(),
      (text) => `Ada <${text}>`,
      (text) => `"A, <b@c>" <${text}>`,
      (text) => `[${text}](mailto:${text})`,
      (text) => `${text}.`,
      (text) => text.normalize('NFD'),
      (text) => text.replaceAll('.', (dot, at) => (at > text.indexOf('@') ? '。' : dot)),
      (text) => `\u200e${text}\u00a0`,
    ],
    phone: [
      (text) => `tel:${text};isub=1`,
      (text) => `(${text.slice(0, 2)}) ${text.slice(2, 5)}\u2011${text.slice(5)}`,
      (text) => text.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit))),
      (text) => `\u202a${text}\u202c`,
      (text) => text.replace('+1', '011 1 '),
    ],
  };
  const originals = {
    email: fc
      .tuple(
        fc.stringMatching(/^[a-zäéñ][a-z0-9äéñ+_-]{0,20}$/),
        fc.stringMatching(/^[a-züç]{1,20}\.(com|example)$/),
      )
      .map(([local, domain]) => `${local}@${domain}`),
    phone: fc.stringMatching(/^\+1[2-9]\d{2}[2-9]\d{6}$/),
  };
  for (const type of ['email', 'phone'] as const)
    it(`returns the same result for two spellings of an address: ${type}`, () => {
      fc.assert(
        fc.property(originals[type], fc.constantFrom(...respellings[type]), (original, respell) => {
          const address = parseAddress(original, 'US');
          expect(address?.type).to.equal(type);
          expect(keyOf(respell(original)), respell(original)).to.equal(address?.key);
        }),
        { numRuns: 2_000 },
      );
    });

  it('refuses text of one megabyte or more', () => {
    const units = [
      'a',
      '@',
      '<',
      '>',
      '"',
      '(',
      ' ',
      '\\',
      '+',
      '1',
      '\u200e',
      'a@b,',
      '<a@b>',
      'tel:',
      '[',
      '\ud800',
    ];
    for (const unit of units) {
      expect(keyOf(unit.repeat(2 ** 20)), unit).to.equal(null);
      expect(keyOf(`Ada <${unit.repeat(2 ** 20)}@x.org>`), unit).to.equal(null);
    }
  });
});
