import { expect } from 'chai';
import { emailOf as emailTo } from '../../src/delivery/attempt/email.ts';

const message = {
  from: 'shop@example.com',
  subject: 'Invoice',
  body: '<p>Hello <b>Ada</b></p>',
  delivery_key: '0b3f9a52-6a0c-4b5e-9d0e-1f6f0a7c2d11',
};
const stored = {
  is_html: true,
  text: null,
  headers: { 'X-Ticket': '4711' },
  names: { 'ada@example.net': 'Ada' },
  url_files: null,
  internet_message_id: 'own@example.com',
  in_reply_to: 'question@example.net',
  reference_ids: ['first@example.net', 'question@example.net'],
};

const ENVELOPE = ['ada@example.net', 'audit@example.org'];
const emailOf = (given: Parameters<typeof emailTo>[0]) => emailTo(given, ENVELOPE);

describe('emailOf', () => {
  it('makes the parts of an email, with a text part from the HTML', () => {
    expect(emailOf({ ...message, email: stored })).to.deep.equal({
      text: 'Hello Ada',
      html: message.body,
      messageId: 'own@example.com',
      inReplyTo: 'question@example.net',
      references: ['first@example.net', 'question@example.net'],
      headers: { 'X-Ticket': '4711' },
      names: { 'ada@example.net': 'Ada' },
      envelope: ENVELOPE,
    });
  });

  it('names in its headers only Message-IDs of printable ASCII without encoded words', () => {
    const unsafe = [
      'a\x01\x7f1@x.test',
      'é1@x.test',
      'a\u0085b@x.test',
      '=?utf-8?q?x=0D=0ABcc:_e@x?=1@x.test',
      'a b@x.test',
      'a>b@x.test',
      `${'a'.repeat(250)}@x.test`,
      '',
    ];
    for (const in_reply_to of unsafe) {
      const reference_ids = ['first@example.net', in_reply_to, 'CAF+1=a$b_c-d.e%f/[1]@mail.example.net'];
      const { inReplyTo, references } = emailOf({
        ...message,
        email: { ...stored, in_reply_to, reference_ids },
      });
      expect([inReplyTo, references], in_reply_to).to.deep.equal([
        null,
        ['first@example.net', reference_ids[2]],
      ]);
    }
  });

  it('keeps a text beside the HTML, and a text that looks like HTML', () => {
    const both = emailOf({ ...message, email: { ...stored, text: 'Hello, Ada!' } });
    expect([both.text, both.html]).to.deep.equal(['Hello, Ada!', message.body]);
    const text = emailOf({ ...message, email: { ...stored, is_html: false } });
    expect([text.text, text.html]).to.deep.equal([message.body, null]);
  });

  it('has a text part for HTML without any text', () => {
    const body = '<img src="cid:a">';
    expect(emailOf({ ...message, body, email: stored }).text).to.equal('Invoice');
    expect(emailOf({ ...message, body, subject: null, email: stored }).text).to.equal(' ');
    expect(emailOf({ ...message, body: '', email: { ...stored, is_html: false } }).text).to.equal(null);
  });

  it('makes the parts of an email of a version that did not record them, the same each time', () => {
    const html = emailOf({ ...message, email: null });
    expect(html).to.deep.equal(emailOf({ ...message, email: null }));
    expect(html.messageId).to.equal(`${message.delivery_key}@example.com`);
    expect([html.text, html.html]).to.deep.equal(['Hello Ada', message.body]);
    const text = emailOf({ ...message, body: '1 < 2 > 0', email: null });
    expect([text.text, text.html]).to.deep.equal(['1 < 2 > 0', null]);
  });
});
