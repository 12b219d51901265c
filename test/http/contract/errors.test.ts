import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { email, inboundEmail, inboundSms, mms, sms } from '../../support/bodies.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { chunk, connectRaw, head } from '../../support/raw.ts';

describe('A request that cannot be served', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
  });
  after(async () => {
    const { status } = await service.request('POST', '/api/messages/sms', sms);
    await service.stop();
    expect(status, 'the service still accepts messages').to.equal(202);
  });

  const paths = async (path: string, body: unknown) => {
    const answer = await service.request('POST', path, body);
    expect(answer.status, JSON.stringify(answer.body)).to.equal(422);
    expect(answer.headers.get('content-type')).to.contain('application/problem+json');
    expect(answer.body.code).to.equal('invalid_request');
    return answer.body.errors.map((error: { path: string }) => error.path).sort();
  };

  describe('400', () => {
    for (const text of ['{', 'nonsense', '"text', '{"from": }']) {
      it(`is answered for malformed JSON: ${text}`, async () => {
        const { status, body } = await service.request('POST', '/api/messages/sms', text);
        expect(status).to.equal(400);
        expect(body).to.include({ code: 'malformed_json', status: 400, title: 'Bad Request' });
      });
    }
  });

  describe('404 and 405', () => {
    it('are answered for an id or a route that does not exist', async () => {
      for (const path of [
        '/api/messages/4711',
        '/api/messages/4711/attempts',
        '/api/conversations/4711',
        '/api/conversations/4711/messages',
        '/api/nothing',
        '/nothing',
        '/docs/nothing.js',
        '/api/messages/%zz',
        '/api/conversations/%ff/messages',
      ]) {
        const { status, body } = await service.request('GET', path);
        expect(status, path).to.equal(404);
        expect(body.code).to.equal('not_found');
      }
    });

    it('list the allowed methods of a route', async () => {
      const { status, headers, body } = await service.request('DELETE', '/api/messages/1');
      expect(status).to.equal(405);
      expect(headers.get('allow')).to.equal('GET, HEAD');
      expect(body.code).to.equal('method_not_allowed');
    });
  });

  describe('413 and 415', () => {
    it('are answered for 2 MB of text', async () => {
      for (const path of ['/api/messages/sms', '/api/messages/send', '/api/webhooks/sms']) {
        const { status, body } = await service.request('POST', path, {
          ...inboundSms,
          body: 'x'.repeat(2_000_000),
        });
        expect(status, path).to.equal(413);
        expect(body.code).to.equal('payload_too_large');
      }
    });

    it('are answered for 2 MB of text whose sender is an object', async () => {
      const large = { to: sms.to, body: 'x'.repeat(2_000_000) };
      for (const from of [{ toString: null }, [{ toString: 1 }]]) {
        const { status, body } = await service.request('POST', '/api/messages/send', { ...large, from });
        expect([status, body.code]).to.deep.equal([413, 'payload_too_large']);
      }
    });

    it('are not answered for 2 MB of email, but for 11 MB', async () => {
      expect(
        (await service.request('POST', '/api/messages/send', { ...email, body: 'x'.repeat(2_000_000) }))
          .status,
      ).to.equal(202);
      expect(
        (
          await service.request('POST', '/api/webhooks/email', {
            ...inboundEmail,
            body: 'x'.repeat(2_000_000),
          })
        ).status,
      ).to.equal(200);
      expect(
        (await service.request('POST', '/api/messages/email', { ...email, body: 'x'.repeat(11_000_000) }))
          .status,
      ).to.equal(413);
    });

    for (const [path, headers] of [
      ['/api/messages/sms', { 'content-length': 1_048_577 }],
      ['/api/webhooks/sms', { 'content-length': 1_048_577, 'webhook-signature': 'v1,eA==' }],
      ['/api/webhooks/email', { 'content-length': 10_485_761, 'webhook-signature': 'v1,eA==' }],
    ] as const) {
      it(`are answered before a body with a too large Content-Length arrives: ${path}`, async () => {
        const client = await connectRaw(service.url);
        client.write(head('POST', path, { 'content-type': 'application/json', ...headers }));
        expect(await client.receive(/"payload_too_large"/)).to.match(/^HTTP\/1.1 413 /);
        await client.closed();
      });
    }

    for (const [path, headers] of [
      ['/api/messages/sms', {}],
      ['/api/messages/email', {}],
      ['/api/webhooks/sms', { 'webhook-signature': 'v1,eA==' }],
      ['/api/webhooks/email/status', {}],
    ] as const) {
      it(`are answered while a too large chunked body arrives: ${path}`, async () => {
        const client = await connectRaw(service.url);
        const framing = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
        client.write(head('POST', path, { ...framing, ...headers }));
        const sending = setInterval(() => client.write(chunk('x'.repeat(100_000))), 2);
        try {
          expect(await client.receive(/"payload_too_large"/)).to.match(/^HTTP\/1.1 413 /);
          await client.closed();
        } finally {
          clearInterval(sending);
        }
      });
    }

    it('are answered for a compressed body without reading it', async () => {
      const bomb = gzipSync(JSON.stringify({ ...email, body: 'x'.repeat(50_000_000) }));
      for (const path of ['/api/messages/email', '/api/webhooks/email']) {
        const response = await fetch(service.url + path, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
          body: bomb,
        });
        expect(response.status, path).to.equal(415);
        expect(await response.json()).to.include({ code: 'unsupported_media_type' });
      }
    });

    it('are not answered for a chunked body or a byte order mark', async () => {
      const client = await connectRaw(service.url);
      const framing = { 'content-type': 'application/json; charset="UTF-8"', 'transfer-encoding': 'chunked' };
      const text = JSON.stringify(sms);
      client.write(head('POST', '/api/messages/sms', framing));
      for (const piece of [text.slice(0, 20), text.slice(20)]) client.write(chunk(piece));
      client.write('0\r\n\r\n');
      await client.receive(/HTTP\/1.1 202 /);
      client.close();
      expect((await service.request('POST', '/api/messages/sms', `\ufeff${text}`)).status).to.equal(202);
    });

    it('are answered for a request without Content-Type, with or without a body, and name the header', async () => {
      for (const body of [undefined, new Blob([JSON.stringify(sms)])]) {
        const response = await fetch(`${service.url}/api/messages/sms`, {
          method: 'POST',
          body: body ?? null,
        });
        expect(response.status).to.equal(415);
        expect(((await response.json()) as { detail: string }).detail).to.equal(
          'The header Content-Type is missing. The body must be application/json.',
        );
      }
    });

    it('are not answered for the charsets utf-8 and utf8', async () => {
      for (const charset of ['utf-8', 'utf8', 'UTF8', '"utf8"']) {
        const { status } = await service.request('POST', '/api/messages/sms', JSON.stringify(sms), {
          'content-type': `application/json; charset=${charset}`,
        });
        expect(status, charset).to.equal(202);
      }
    });

    it('are answered for any media type except JSON', async () => {
      for (const type of [
        'text/plain',
        'application/xml',
        'application/x-www-form-urlencoded',
        'application/json; charset=latin1',
      ]) {
        const { status, body } = await service.request('POST', '/api/messages/sms', JSON.stringify(sms), {
          'content-type': type,
        });
        expect(status, type).to.equal(415);
        expect(body.code).to.equal('unsupported_media_type');
      }
    });
  });

  describe('422 has the path of each validation error:', () => {
    const { from: _from, ...withoutFrom } = sms;
    const cases: [string, string, unknown, string[]][] = [
      ['an empty body', '/api/messages/sms', '', ['/body/body', '/body/from', '/body/to']],
      ['an empty object', '/api/messages/sms', {}, ['/body/body', '/body/from', '/body/to']],
      ['a missing from', '/api/messages/sms', withoutFrom, ['/body/from']],
      ['a null to', '/api/messages/sms', { ...sms, to: null }, ['/body/to']],
      ['an empty to', '/api/messages/email', { ...email, to: [] }, ['/body/to']],
      ['an unknown type', '/api/messages/send', { ...sms, type: 'fax' }, ['/body/type']],
      ['a type that is not a text', '/api/messages/send', { type: 7 }, ['/body/type']],
      ['a body that is a list', '/api/messages/send', [sms], ['/body']],
      ['an mms without a recipient', '/api/messages/send', { ...mms, type: 'mms', to: [] }, ['/body/to']],
      [
        'a subject with phone numbers',
        '/api/messages/send',
        { from: sms.from, to: sms.to, body: 'Hi', subject: 'Hi' },
        ['/body/subject'],
      ],
      [
        'an email with an unknown field',
        '/api/messages/send',
        { ...email, type: 'email', x: 1 },
        ['/body/x'],
      ],
      ['a type of the other channel', '/api/messages/email', { ...email, type: 'sms' }, ['/body/type']],
      [
        'a phone number as the recipient of an email',
        '/api/messages/email',
        { ...email, to: '+12016661234' },
        ['/body/to'],
      ],
      [
        'an email address as the sender of an sms',
        '/api/messages/sms',
        { ...sms, from: 'a@b.c' },
        ['/body/from'],
      ],
      [
        'one invalid address among several',
        '/api/messages/email',
        { ...email, to: ['a@b.c', 'nobody'] },
        ['/body/to/1'],
      ],
      ['an sms with attachments', '/api/messages/sms', { ...mms, type: 'sms' }, ['/body/attachments']],
      ['an sms to a group', '/api/messages/sms', { ...sms, to: [sms.to, '+18045550000'] }, ['/body/to']],
      [
        'an sms with a subject',
        '/api/messages/send',
        { ...sms, subject: 'Hi', cc: [] },
        ['/body/cc', '/body/subject'],
      ],
      ['an sms without text', '/api/messages/sms', { ...sms, body: '' }, ['/body/body']],
      ['a text that is too long', '/api/messages/send', { ...sms, body: 'x'.repeat(1_601) }, ['/body/body']],
      ['an alphanumeric recipient', '/api/messages/sms', { ...sms, to: 'ACME' }, ['/body/to']],
      ['an unknown field', '/api/messages/sms', { ...sms, colour: 'red' }, ['/body/colour']],
      ['a NUL character', '/api/messages/sms', { ...sms, body: 'a\0b' }, ['/body/body']],
      ['a lone surrogate', '/api/messages/sms', { ...sms, body: 'a\ud800' }, ['/body/body']],
      [
        'a day that does not exist',
        '/api/messages/sms',
        { ...sms, timestamp: '2024-02-30T00:00:00Z' },
        ['/body/timestamp'],
      ],
      ['the year 0', '/api/messages/sms', { ...sms, timestamp: '0000-01-01T00:00:00Z' }, ['/body/timestamp']],
      [
        'an attachment that is not an http or https URL',
        '/api/messages/sms',
        { ...mms, attachments: ['javascript:alert(1)'] },
        ['/body/attachments/0'],
      ],
      [
        'several errors at once',
        '/api/messages/sms',
        { to: 7, body: null, type: 'mms', x: 1 },
        ['/body/body', '/body/from', '/body/to', '/body/x'],
      ],
      [
        'a webhook without its id',
        '/api/webhooks/email',
        { ...inboundEmail, xillio_id: undefined },
        ['/body/xillio_id'],
      ],
      [
        'a NUL character in the id of a webhook',
        '/api/webhooks/sms',
        { ...inboundSms, messaging_provider_id: 'a\0' },
        ['/body/messaging_provider_id'],
      ],
      [
        'a lone surrogate in the id of a receipt',
        '/api/webhooks/email/status',
        { xillio_id: 'a\ud800', status: 'sent' },
        ['/body/xillio_id'],
      ],
      [
        'a receipt without an id',
        '/api/webhooks/sms/status',
        { messaging_provider_id: null, status: 'sent' },
        ['/body/messaging_provider_id'],
      ],
    ];
    for (const [title, path, body, faults] of cases) {
      it(title, async () => {
        expect(await paths(path, body)).to.deep.equal(faults);
      });
    }

    describe('and one message for each error:', () => {
      const onlyEmail = 'is allowed for email only';
      const text = { from: sms.from, to: sms.to, body: 'Hi' };
      const messages: [string, string, unknown, Record<string, string>][] = [
        [
          'a text without a type and with fields of an email',
          '/api/messages/send',
          { ...text, reply_to: 'ada@example.com', cc: ['ada@example.com'], bcc: ['nobody'] },
          { '/body/cc': onlyEmail, '/body/bcc': onlyEmail, '/body/reply_to': onlyEmail },
        ],
        [
          'an email without a type whose sender is not an address',
          '/api/messages/send',
          { ...email, from: 'ada@', subject: 'Hi' },
          {
            '/body/from':
              'must be exactly one email address, such as ada@example.com or Ada <ada@example.com>',
          },
        ],
        ['a number in a list', '/api/messages/send', { ...sms, to: [1] }, { '/body/to/0': 'must be string' }],
        [
          'an empty list',
          '/api/messages/send',
          { ...sms, to: [] },
          { '/body/to': 'must NOT have fewer than 1 items' },
        ],
        [
          'an empty text',
          '/api/messages/sms',
          { ...sms, to: '' },
          { '/body/to': 'must NOT have fewer than 1 characters' },
        ],
        ['a number', '/api/messages/sms', { ...sms, to: 1 }, { '/body/to': 'must be string,array' }],
        [
          'an sms with a subject',
          '/api/messages/send',
          { ...sms, subject: 'Hi' },
          { '/body/subject': 'is not a field of an sms' },
        ],
        [
          'an unknown field',
          '/api/messages/sms',
          { ...text, colour: 'red' },
          { '/body/colour': 'is not a field of this request' },
        ],
        [
          'a value that does not match a pattern',
          '/api/messages/send',
          { ...email, subject: 'two\nlines', attachments: ['photo.jpg'] },
          {
            '/body/subject': 'must be one line without control characters',
            '/body/attachments/0': 'must be an absolute http or https URL',
          },
        ],
      ];
      for (const [title, path, body, expected] of messages)
        it(title, async () => {
          const answer = await service.request('POST', path, body);
          expect(answer.status).to.equal(422);
          expect(answer.body.errors).to.have.deep.members(
            Object.entries(expected).map(([path, message]) => ({ path, message })),
          );
        });
    });

    for (const text of ['null', '1', '"text"', 'true'])
      it(`a body that is not an object: ${text}`, async () => {
        for (const path of ['/api/messages/sms', '/api/messages/send', '/api/webhooks/sms']) {
          const { status, body } = await service.request('POST', path, text);
          expect([status, body.errors], path).to.deep.equal([
            422,
            [{ path: '/body', message: 'must be object' }],
          ]);
        }
      });

    it('a body that is nested too deeply, also in an unknown field', async () => {
      const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
      const event = (depth: number) => {
        const known = JSON.stringify({ ...inboundSms, messaging_provider_id: `deep-${depth}` }).slice(0, -1);
        return service.request(
          'POST',
          '/api/webhooks/sms',
          `${known},"unknown":{"a":1,"b":${nested(depth)}}}`,
        );
      };
      expect((await event(62)).status).to.equal(200);
      for (const depth of [63, 6_000, 100_000]) {
        const { status, body } = await event(depth);
        expect(status, `${depth}`).to.equal(422);
        expect(body.errors).to.deep.equal([
          { path: '/body', message: 'must not be nested more than 64 deep' },
        ]);
      }
    });

    const cursorOf = (...values: unknown[]) => Buffer.from(JSON.stringify(values)).toString('base64url');
    const invalidTimes = [
      '2024-02-30T00:00:00.000Z',
      '0000-01-01T00:00:00.000Z',
      '2024-01-01T00:00:00Z',
      'now',
    ];
    const queries: [string, string][] = [
      ...invalidTimes.flatMap((time): [string, string][] => [
        [`/api/messages?cursor=${cursorOf(time, 1)}`, '/query/cursor'],
        [`/api/conversations?cursor=${cursorOf(time, 1, '2024-01-01T00:00:00.000Z', 1)}`, '/query/cursor'],
      ]),
      ['/api/conversations?limit=0', '/query/limit'],
      ['/api/conversations?limit=201', '/query/limit'],
      ['/api/conversations?limit=ten', '/query/limit'],
      ['/api/conversations?cursor=nonsense', '/query/cursor'],
      ['/api/conversations?cursor=WzFd', '/query/cursor'],
      ['/api/conversations?participant=nobody!', '/query/participant/0'],
      ['/api/conversations?participant=%00', '/query/participant/0'],
      ['/api/conversations?since=yesterday', '/query/since'],
      ['/api/conversations?since=0000-01-01T00:00:00Z', '/query/since'],
      ['/api/conversations?unknown=1', '/query/unknown'],
      ['/api/messages?q=b%FCcher', '/query'],
      ['/api/messages?q=%ED%A0%80', '/query'],
      ['/api/participants?address=%E4@example.com', '/query'],
      ['/api/conversations/1/messages?limit=0', '/query/limit'],
      ['/api/conversations/1/messages?cursor=W10', '/query/cursor'],
      ['/api/conversations/1/messages?order=up', '/query/order'],
      ['/api/messages/one', '/path/id'],
      ['/api/messages/0', '/path/id'],
      ['/api/messages/99999999999999999999', '/path/id'],
      ['/api/messages/1/attempts?limit=-1', '/query/limit'],
    ];
    for (const [path, fault] of queries) {
      it(`GET ${path}`, async () => {
        const { status, body } = await service.request('GET', path);
        expect(status).to.equal(422);
        expect(body.errors.map((error: { path: string }) => error.path)).to.deep.equal([fault]);
      });
    }
  });

  it('lists every unknown query parameter in one response', async () => {
    const { status, body } = await service.request('GET', '/api/messages?one=1&limit=5&two=2&three[]=3');
    expect(status).to.equal(422);
    expect(body.errors.map((error: { path: string }) => error.path)).to.deep.equal([
      '/query/one',
      '/query/two',
      '/query/three[]',
    ]);
  });

  it('is not a system operation with an unknown query parameter', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics', '/openapi.json', '/openapi.yaml'])
      for (const query of ['probe=1', 'a[b]=1', 'name=%E4'])
        expect((await service.request('GET', `${path}?${query}`)).status, `${path}?${query}`).to.equal(200);
    expect((await service.request('GET', '/readyz?verbose=maybe&probe=1')).status).to.equal(422);
  });

  it('is not a query with an unencoded plus in an address or a time', async () => {
    await service.request('POST', '/api/messages/sms', { ...sms, to: '+447400123456' });
    const count = async (query: string) => {
      const { status, body } = await service.request('GET', query);
      expect(status, query).to.equal(200);
      return body.data.length;
    };
    for (const plus of ['+', '%2B']) {
      expect(await count(`/api/participants?address=${plus}447400123456`)).to.equal(1);
      expect(await count(`/api/conversations?participant=${plus}447400123456`)).to.equal(1);
      expect(await count(`/api/messages?participant=${plus}447400123456`)).to.equal(1);
      expect(await count(`/api/messages?limit=1&since=2024-11-01T14:00:00${plus}01:00`)).to.equal(1);
      expect(await count(`/api/messages?until=2024-11-01T14:00:00${plus}01:00`)).to.equal(0);
    }
    expect(await count('/api/participants?address=%2B44+7400+123456')).to.equal(1);
    const entry = '/api/suppressions/%2B4520123456';
    for (const plus of ['+', '%2B']) {
      await service.request('PUT', entry, { scope: 'sender', sender: '+4520123457' });
      expect(await count(`/api/suppressions?address=${plus}4520123456`)).to.equal(1);
      expect(await count(`/api/suppressions?sender=${plus}4520123457`)).to.equal(1);
      const removed = await service.request('DELETE', `${entry}?scope=sender&sender=${plus}4520123457`);
      expect(removed.status, plus).to.equal(204);
    }
    for (const to of ['ada+crm+1@example.com', '+ada@example.com'])
      await service.request('POST', '/api/messages/email', { ...email, to });
    for (const address of ['ada+crm+1@example.com', 'Ada+L+<ada+crm+1@example.com>', '+ada@example.com'])
      for (const path of ['participants?address', 'conversations?participant', 'messages?participant'])
        expect(await count(`/api/${path}=${address}`), `${path}=${address}`).to.equal(1);
  });

  it('is not a query with an encoded replacement character', async () => {
    expect((await service.request('GET', '/api/messages?q=caf%EF%BF%BD')).status).to.equal(200);
  });

  it('has the request id of the client in its response', async () => {
    const { headers, body } = await service.request('GET', '/api/messages/4711', undefined, {
      'x-request-id': 'mine-1',
    });
    expect(headers.get('x-request-id')).to.equal('mine-1');
    expect(body.request_id).to.equal('mine-1');
  });
});
