import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { type ClientOptions, createClient } from '../../sdk/src/index.ts';
import { rejection } from './support.ts';

const REFUSED: [title: string, baseUrl: unknown, message: RegExp][] = [
  ['an empty text', '', /absolute http or https URL/],
  ['no value', undefined, /^baseUrl is missing: set the option or MESSAGING_BASE_URL\.$/],
  ['a host and a port', 'localhost:8080', /Did you mean "http:\/\/localhost:8080"\?/],
  ['an IP address and a port', '127.0.0.1:8080', /Did you mean "http:\/\/127.0.0.1:8080"\?/],
  ['a host', 'api.example.com', /Did you mean "https:\/\/api.example.com"\?/],
  ['a host and a path', 'api.example.com/messaging', /"https:\/\/api.example.com\/messaging"/],
  ['a path', '/api', /absolute http or https URL, not "\/api"/],
  ['a relative scheme', '//api.example.com', /absolute http or https URL/],
  ['a scheme without a host', 'http://', /absolute http or https URL/],
  ['another scheme', 'ftp://api.example.com', /absolute http or https URL/],
  ['a file', new URL('file:///etc/hosts'), /absolute http or https URL/],
  ['credentials', 'https://user:secret@api.example.com', /credentials: use apiKey/],
  ['a query', 'https://api.example.com/?v=1', /a query, a fragment/],
  ['a fragment', 'https://api.example.com/#top', /a query, a fragment/],
];

const ACCEPTED: [baseUrl: string, prefix: string][] = [
  ['', ''],
  ['/', ''],
  ['//', ''],
  ['/messaging', '/messaging'],
  ['/messaging/v1/', '/messaging/v1'],
  ['/a%20b', '/a%20b'],
];

const KEYS: [title: string, apiKey: string][] = [
  ['is empty', ''],
  ['ends with a line break', 'correct-horse\n'],
  ['has a space', 'correct horse'],
  ['has other than ASCII characters', 'corréct-horse'],
];

describe('The options of createClient', () => {
  for (const [title, baseUrl, message] of REFUSED)
    it(`refuse ${title} as the baseUrl`, () => {
      const create = () => createClient({ baseUrl: baseUrl as string });
      expect(create).to.throw(TypeError, message).with.property('message').not.contain('secret');
    });

  for (const [title, apiKey] of KEYS)
    it(`refuse an apiKey that ${title}, without the key in the message`, () => {
      const create = () => createClient({ baseUrl: 'http://127.0.0.1', apiKey });
      expect(create)
        .to.throw(TypeError, /^apiKey must be/)
        .with.property('message')
        .not.contain('horse');
    });

  describe('from the environment', () => {
    const NAMES = ['MESSAGING_BASE_URL', 'MESSAGING_API_KEY'] as const;
    const given = NAMES.map((name) => process.env[name]);
    const set = (...values: (string | undefined)[]) => {
      for (const [index, name] of NAMES.entries()) {
        const value = values[index];
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    };
    afterEach(() => set(...given));

    /** The URL and the API key of a request of a client with these options. */
    async function requestOf(options: ClientOptions) {
      let request: Request | undefined;
      const record = async (sent: Request) => {
        request = sent;
        return Response.json({ id: 1 });
      };
      await createClient({ ...options, fetch: record }).messages.get(1);
      return [request?.url, request?.headers.get('authorization')];
    }

    it('are used without options', async () => {
      set(' https://messaging.example.com/v1/ ', ' correct-horse\n');
      const expected = ['https://messaging.example.com/v1/api/messages/1', 'Bearer correct-horse'];
      expect(await requestOf({})).to.deep.equal(expected);
      expect(await requestOf({ baseUrl: undefined, apiKey: undefined })).to.deep.equal(expected);
    });

    it('are not used with options, and a null apiKey is no key', async () => {
      set('https://messaging.example.com', 'correct-horse');
      const url = 'https://other.example.com/api/messages/1';
      const baseUrl = 'https://other.example.com';
      expect(await requestOf({ baseUrl, apiKey: 'other' })).to.deep.equal([url, 'Bearer other']);
      expect(await requestOf({ baseUrl, apiKey: null })).to.deep.equal([url, null]);
    });

    it('are checked like options, and empty variables count as missing', async () => {
      set('localhost:8080');
      expect(() => createClient()).to.throw(TypeError, /Did you mean "http:\/\/localhost:8080"\?/);
      set('https://messaging.example.com', 'corréct-horse');
      expect(() => createClient())
        .to.throw(TypeError, /^apiKey must be/)
        .with.property('message')
        .not.contain('horse');
      set('https://messaging.example.com', ' ');
      expect((await requestOf({}))[1]).to.equal(null);
      set(' ');
      expect(() => createClient()).to.throw(TypeError, /^baseUrl is missing/);
    });
  });

  describe('for a server', () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(404).end();
    });
    before(() => once(server.listen(0, '127.0.0.1'), 'listening'));
    after(() => void server.close());

    for (const [path, prefix] of ACCEPTED)
      it(`send requests below ${prefix || 'the root'} for a baseUrl that ends with "${path}"`, async () => {
        const root = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
        for (const baseUrl of [root + path, ` ${root}${path} `, new URL(root + path)]) {
          await rejection(createClient({ baseUrl }).messages.get(1));
          expect(asked.at(-1)).to.equal(`${prefix}/api/messages/1`);
        }
      });
  });
});
