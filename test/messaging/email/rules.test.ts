import { expect } from 'chai';
import { addressParserOf } from '../../../src/messaging/address.ts';
import { displayNames } from '../../../src/messaging/email/names.ts';
import { contentIdFaults, headerFaults, headerTextFault } from '../../../src/messaging/email/rules.ts';

const parse = addressParserOf('US');

describe('rules of emails', () => {
  it('allows the safe headers and private headers, in any case', () => {
    const names = [
      'Auto-Submitted',
      'PRECEDENCE',
      'List-Unsubscribe',
      'list-unsubscribe-post',
      'List-Id',
      'Importance',
    ];
    for (const name of [...names, 'X-Ticket', 'x-campaign-2', 'X-Entity-Ref-ID', 'Feedback-ID', 'X-Mailer'])
      expect(headerFaults({ [name]: 'a value; with="all" <kinds>' }), name).to.deep.equal([]);
  });

  it('refuses the headers of the service, of mail servers and of providers, with the path', () => {
    const own = [
      'From',
      'to',
      'CC',
      'Bcc',
      'Subject',
      'Date',
      'Message-ID',
      'In-Reply-To',
      'References',
      'Reply-To',
      'Sender',
    ];
    const servers = [
      'Return-Path',
      'MIME-Version',
      'Content-Type',
      'content-x',
      'DKIM-Signature',
      'Received',
      'Resent-To',
    ];
    const providers = [
      'X-SMTPAPI',
      'x-ses-configuration-set',
      'X-PM-Tag',
      'X-MC-Tags',
      'X-Mailgun-Tag',
      'X-MS-Exchange-A',
    ];
    for (const name of [
      ...own,
      ...servers,
      ...providers,
      'Disposition-Notification-To',
      'X',
      'X-',
      'Errors-To',
      'Arc-Seal',
    ])
      expect(
        headerFaults({ [name]: 'a' }).map(({ path }) => path),
        name,
      ).to.deep.equal([`/body/headers/${name}`]);
  });

  it('refuses names and values that could begin another line or header', () => {
    const names = [
      'X-A: b\r\nBcc',
      'X-A\nBcc',
      'X-A Bcc',
      'X-A:',
      '',
      'X-Ä',
      'X-A\0',
      'X-A\u2028',
      'X-'.padEnd(77, 'a'),
    ];
    for (const name of names) expect(headerFaults({ [name]: 'a' }), name).to.have.length(1);
    const values = [
      'a\r\nBcc: x@example.com',
      'a\nb',
      'a\rb',
      'a\0',
      'a\u2028b',
      'a\u2029b',
      'a\x7f',
      'a\tb',
      '',
      ' a',
      'a ',
      'ä',
    ];
    for (const value of values) expect(headerFaults({ 'X-A': value }), value).to.have.length(1);
    expect(headerFaults({ 'X-A': 'a'.repeat(993) })).to.deep.equal([]);
    expect(headerFaults({ 'X-A': 'a'.repeat(994) })).to.have.length(1);
    expect(headerFaults({ 'X-A': 'a', 'x-a': 'b' }).map(({ path }) => path)).to.deep.equal([
      '/body/headers/x-a',
    ]);
    expect(headerFaults({ 'a/b~c': 'a' }).map(({ path }) => path)).to.deep.equal(['/body/headers/a~1b~0c']);
  });

  it('refuses line breaks and encoded words in texts of headers', () => {
    for (const text of [
      'a\r\nBcc: x',
      'a\u2028b',
      'a\0b',
      '=?UTF-8?Q?a=0D=0ABcc:_x?=',
      'Hi =?utf-8?b?YQ==?=',
      '=?utf-8?q?PayPal Support?=',
      '=?utf-8?Q?without an end',
      '=?utf-8*en?q?a?=',
    ])
      expect(headerTextFault('/body/subject', text), text).to.have.length(1);
    for (const text of ['領収書 – Grüße', 'a =? b ?= c', '', null, undefined])
      expect(headerTextFault('/body/subject', text), `${text}`).to.deep.equal([]);
  });

  it('refuses content ids that are not safe, or not unique', () => {
    const ids = ['logo', 'a.b_c+d@example.com', 'logo', 'a b', 'a>\r\nX: y', '<logo>', '', '-a'];
    const faults = contentIdFaults(ids.map((id, index) => ({ path: `/${index}`, id })));
    expect(faults.map(({ path }) => path)).to.deep.equal(['/2', '/3', '/4', '/5', '/6', '/7']);
  });
});

describe('displayNames', () => {
  it('returns the names by the normalised address, the first name of each', () => {
    const names = displayNames(
      parse,
      {
        from: '"Müller, \\"Der\\" Laden"  <SHOP@Example.com>',
        to: ['Ada Lovelace <ada@example.net>', 'grace@example.net', '[x@example.net](mailto:x@example.net)'],
        cc: [
          'Countess <ADA@example.net>',
          'y@example.net <y@example.net>',
          '山田\u202e 花子 <hanako@example.jp>',
        ],
        reply_to: '  <help@example.com>',
      },
      [],
    );
    expect(names).to.deep.equal({
      'shop@example.com': 'Müller, "Der" Laden',
      'ada@example.net': 'Ada Lovelace',
      'hanako@example.jp': '山田 花子',
    });
    expect(displayNames(parse, { from: 'a@example.com', to: 'b@example.com' }, [])).to.equal(null);
  });

  it('adds a fault for a name that is an encoded word', () => {
    const faults: { path: string; message: string }[] = [];
    const words = [
      '=?UTF-8?Q?A=0D=0A?= <b@example.com>',
      '"=?utf-8?q?PayPal Support?=" <c@example.com>',
      '"=?utf-8?q?x =0D=0ABcc: e@x.test?=" <d@example.com>',
      '=?utf-8?q?e?=@example.com',
    ];
    displayNames(parse, { from: 'a@example.com', to: words, cc: ['Q?A =? <f@example.com>'] }, faults);
    expect(faults.map(({ path }) => path)).to.deep.equal(words.map((_, index) => `/body/to/${index}`));
  });
});
