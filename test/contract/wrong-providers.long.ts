import { stripVTControlCharacters } from 'node:util';
import { expect } from 'chai';
import { freePort, runToEnd } from '../support/process.ts';
import { type Answer, type Answers, type Case, type Misbehaviour, RIGHT, startSandbox } from './sandbox.ts';
import { startStatesServer } from './states-server.ts';

/** The description of the interaction of each case. */
const DESCRIPTIONS: Record<Case, string> = {
  accepted: 'to send an SMS$',
  'wrong key': 'with a key that is wrong',
  refused: 'to a number that is refused',
  throttled: 'above the rate limit of the provider',
  unavailable: 'while the provider is unavailable',
  found: 'of a message that was taken',
  'not found': 'of an unknown message',
  'no look-up': 'at a provider without look-up',
};

/** The correct response with some fields replaced. */
const change = (to: Case, fields: Partial<Answer>): Answer => ({ ...RIGHT[to], ...fields });
const plain = { headers: { 'content-type': 'text/plain' } };
const retryAfter = (value: string) => ({ headers: { 'retry-after': value } });

/** One fault per row, and the report that must name the fault. */
const WRONG: [title: string, asked: Case, answer: Answer | Misbehaviour, report: RegExp][] = [
  ['an id that is a number', 'accepted', change('accepted', { body: { id: 42 } }), /\$\.id\b.*[\s\S]*42/],
  ['an id that is null', 'accepted', change('accepted', { body: { id: null } }), /\$\.id\b/],
  ['an id that is an object', 'accepted', change('accepted', { body: { id: { value: 'x' } } }), /\$\.id\b/],
  ['an empty id', 'accepted', change('accepted', { body: { id: '' } }), /\$\.id\b/],
  ['an id of 256 characters', 'accepted', change('accepted', { body: { id: 'x'.repeat(256) } }), /\$\.id\b/],
  ['no id', 'accepted', change('accepted', { body: {} }), /\bid\b/],
  ['a list', 'accepted', change('accepted', { body: [{ id: 'm-1' }] }), /\$/],
  ['no body', 'accepted', { status: 202 }, /body/i],
  ['JSON that breaks off', 'accepted', change('accepted', { body: '{"id": "m-' }), /body|JSON/i],
  [
    'HTML',
    'accepted',
    { status: 202, headers: { 'content-type': 'text/html' }, body: '<p>' },
    /Content-Type/i,
  ],
  ['JSON as plain text', 'accepted', change('accepted', plain), /Content-Type/i],
  ['a redirect', 'accepted', { status: 302, headers: { location: '/elsewhere' } }, /status code[\s\S]*302/],
  ['a 404', 'accepted', { status: 404 }, /status code[\s\S]*404/],
  [
    'a response over 64 KiB',
    'accepted',
    change('accepted', { body: { id: 'm-1', x: 'x'.repeat(70_000) } }),
    /POST URL\/sms\/messages: the response is longer than 64 KiB/,
  ],
  ['no response', 'accepted', 'hangs', /POST URL\/sms\/messages: no response within 500 ms/],
  [
    'half a response',
    'accepted',
    change('accepted', { unfinished: true }),
    /POST URL\/sms\/messages: no response within 500 ms/,
  ],
  [
    'a broken connection',
    'accepted',
    'resets',
    /POST URL\/sms\/messages: .*(?:ECONNRESET|other side closed)/,
  ],
  ['a wrong key that is accepted', 'wrong key', RIGHT.accepted, /status code[\s\S]*202/],
  ['a 403 to a wrong key', 'wrong key', { status: 403 }, /status code[\s\S]*403/],
  ['a refusal as a 404', 'refused', change('refused', { status: 404 }), /status code[\s\S]*404/],
  ['a refusal as a 500', 'refused', change('refused', { status: 500 }), /status code[\s\S]*500/],
  ['a refusal without a code', 'refused', change('refused', { body: { error: {} } }), /code/],
  ['a refusal without an error', 'refused', change('refused', { body: { code: 'x' } }), /error/],
  [
    'a code that is a number',
    'refused',
    change('refused', { body: { error: { code: 21211 } } }),
    /\$\.error\.code/,
  ],
  [
    'a code that is a sentence',
    'refused',
    change('refused', { body: { error: { code: 'No such number' } } }),
    /\$\.error\.code/,
  ],
  [
    'a code of 65 characters',
    'refused',
    change('refused', { body: { error: { code: 'x'.repeat(65) } } }),
    /\$\.error\.code/,
  ],
  ['a refusal as plain text', 'refused', change('refused', plain), /Content-Type/i],
  ['a 429 without Retry-After', 'throttled', { status: 429 }, /Retry-After/i],
  ...['Thu, 26 Nov 2026 12:00:00 GMT', '60.0', '-1', '1e3', 'soon', ''].map(
    (value): (typeof WRONG)[number] => [
      `a Retry-After of "${value}"`,
      'throttled',
      { status: 429, ...retryAfter(value) },
      /Retry-After/i,
    ],
  ),
  ['a 503 in place of a 429', 'throttled', RIGHT.unavailable, /status code[\s\S]*503/],
  ['a 202 while it is unavailable', 'unavailable', RIGHT.accepted, /status code[\s\S]*202/],
  ['a look-up that finds nothing', 'found', RIGHT['not found'], /\$\.data/],
  [
    'a look-up with an id that is a number',
    'found',
    change('found', { body: { data: [{ id: 1 }] } }),
    /\$\.data\[0\]\.id/,
  ],
  ['a look-up without an id', 'found', change('found', { body: { data: [{}] } }), /\bid\b/],
  ['a look-up that is no list', 'found', change('found', { body: { data: { id: 'm-1' } } }), /\$\.data/],
  ['a look-up as plain text', 'found', change('found', plain), /Content-Type/i],
  ['a look-up of nothing that finds something', 'not found', RIGHT.found, /\$\.data/],
  ['a look-up of nothing that is a 404', 'not found', { status: 404 }, /status code[\s\S]*404/],
  ['a look-up that hangs', 'not found', 'hangs', /GET URL\/sms\/messages\?\S+: no response within 500 ms/],
  ['a missing look-up that is a 200', 'no look-up', RIGHT['not found'], /status code[\s\S]*200/],
];

/** Further correct responses: the verification requires only what contracts/README.md lists. */
const ALSO_RIGHT: [title: string, answers: Partial<Answers>][] = [
  ['the statuses and the values of the README', {}],
  [
    'other statuses and values that the README allows',
    {
      accepted: {
        status: 200,
        headers: { 'content-type': 'application/json; charset=utf-8' },
        body: { id: 'ü'.repeat(255), more: 1 },
      },
      refused: {
        status: 422,
        headers: { 'content-type': 'application/json' },
        body: { error: { code: '21211', message: 7 } },
      },
      throttled: {
        status: 429,
        headers: { 'retry-after': '0', 'content-type': 'text/html' },
        body: '<h1>Slow down</h1>',
      },
      unavailable: { status: 503, headers: { 'content-type': 'text/html' }, body: '<h1>Sorry</h1>' },
      'wrong key': { status: 401, headers: { 'content-type': 'text/plain' }, body: 'No' },
      'no look-up': { status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>Not found</h1>' },
      found: {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: { data: [{ id: '1' }, { id: '2' }], next: null },
      },
    },
  ],
];

/** The ways in which the provider's URL for states can fail. */
const WRONG_STATES: [title: string, answer: Answer | Misbehaviour, report: RegExp][] = [
  [
    'returns 500',
    { status: 500, body: 'oops' },
    /POST URL: returned 500 for the setup of the state "a recipient is refused"/,
  ],
  ['returns 404', { status: 404 }, /POST URL: returned 404 for the setup/],
  ['redirects', { status: 302, headers: { location: '/' } }, /POST URL: returned 302 for the setup/],
  ['hangs', 'hangs', /POST URL: no response within 500 ms/],
  ['breaks the connection', 'resets', /POST URL: .*(?:ECONNRESET|other side closed)/],
  ['returns no JSON', { status: 200, body: 'OK' }, /POST URL: returned no JSON object for the setup/],
  ['returns a list', { status: 200, body: [] }, /POST URL: returned no JSON object for the setup/],
  [
    'returns no recipient',
    { status: 200, body: {} },
    /POST URL: returned no text as "recipient" for the setup/,
  ],
  [
    'returns a recipient that is a number',
    { status: 200, body: { recipient: 7 } },
    /returned no text as "recipient"/,
  ],
];

describe('bin/verify-provider', () => {
  const verify = async (url: string, statesUrl: string, args: string[] = []) => {
    const of = ['--provider', 'sms-provider', '--url', url, '--provider-states-setup-url', statesUrl];
    const { code, stdout, stderr } = await runToEnd(
      'bin/verify-provider',
      [...of, '--timeout', '500', ...args],
      {},
    );
    return { code, report: stripVTControlCharacters(stdout + stderr) };
  };
  const expectFault = ({ code, report }: Awaited<ReturnType<typeof verify>>, url: string, fault: RegExp) => {
    expect(report).to.match(new RegExp(fault.source.replace('URL', url.replaceAll('.', '\\.')), fault.flags));
    expect(report, 'its own address').not.to.match(new RegExp(`127\\.0\\.0\\.1:(?!${new URL(url).port}\\b)`));
    expect(code).to.equal(1);
  };

  describe('passes a provider that returns', () => {
    for (const [title, answers] of ALSO_RIGHT)
      it(title, async () => {
        const sandbox = await startSandbox(answers);
        const states = await startStatesServer(sandbox.states);
        const { code, report } = await verify(sandbox.url, states.url, ['--timeout', '10000']);
        expect(code, report).to.equal(0);
        for (const description of Object.values(DESCRIPTIONS))
          expect(report).to.match(new RegExp(description.replace('$', '')));
        expect(states.asked.map(({ state }) => state))
          .to.include('a recipient is refused')
          .and.not.include('');
        states.stop();
        sandbox.stop();
      });
  });

  describe('names the fault of a provider that returns', () => {
    for (const [title, asked, answer, fault] of WRONG)
      it(title, async () => {
        const sandbox = await startSandbox({ [asked]: answer });
        const states = await startStatesServer(sandbox.states);
        const result = await verify(sandbox.url, states.url, ['--description', DESCRIPTIONS[asked]]);
        states.stop();
        sandbox.stop();
        expectFault(result, sandbox.url, fault);
      });
  });

  describe('names the fault of a URL for states that', () => {
    const about = ['--description', DESCRIPTIONS.refused];

    for (const [title, answer, fault] of WRONG_STATES)
      it(title, async () => {
        const sandbox = await startSandbox({});
        const states = await startSandbox({ accepted: answer });
        const result = await verify(sandbox.url, states.url, about);
        states.stop();
        sandbox.stop();
        expectFault(result, states.url, fault);
      });

    it('refuses connections', async () => {
      const sandbox = await startSandbox({});
      const url = `http://127.0.0.1:${await freePort()}`;
      const result = await verify(sandbox.url, url, about);
      sandbox.stop();
      expectFault(result, url, /POST URL: .*ECONNREFUSED/);
    });
  });
});
