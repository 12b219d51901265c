import { expect } from 'chai';
import { openApiDocument } from '../../../src/openapi/document.ts';
import { type Harness, startHarness, webhookSecret } from '../../support/harness.ts';
import { keepLog } from '../../support/log.ts';
import { connectRaw } from '../../support/raw.ts';

const KEY = 'correct-horse-battery';
const TOKEN = 'token-of-the-monitoring';
const bearer = (credentials: string) => ({ authorization: `Bearer ${credentials}` });

/** Paths that show the system, and plain readiness. */
const SECURED = ['/metrics', '/readyz?verbose', '/readyz?verbose=true'];
/** Requests that a proxy or a client may make of these paths. They get no content of the secured operations. */
const VARIANTS = [
  ...[
    '/metrics?x=1',
    '/metrics?verbose',
    '/metrics/',
    '/METRICS',
    '//metrics',
    '/%6detrics',
    '/metrics#x',
    '/./metrics',
  ],
  ...[
    '/readyz?verbose=1',
    '/readyz?verbose=TRUE',
    '/readyz?VERBOSE',
    '/readyz?%76erbose',
    '/readyz?verbose=',
  ],
  ...['/readyz?verbose=false&verbose=true', '/readyz?verbose&verbose=false', '/readyz?verbose[]=true'],
  ...[
    '/readyz/?verbose',
    '/READYZ?verbose',
    '/readyz?a&verbose',
    '/readyz;?verbose',
    '/readyz?verbose=true%20',
  ],
];
const OPEN = ['/healthz', '/readyz', '/readyz?verbose=false', '/openapi.json', '/openapi.yaml'];
const WRONG: Record<string, string>[] = [
  {},
  bearer('wrong-horse-battery'),
  bearer(TOKEN.slice(0, -1)),
  bearer(`${TOKEN}-`),
  bearer(`${KEY},${TOKEN}`),
  { authorization: `Basic ${btoa(`metrics:${TOKEN}`)}` },
  { authorization: TOKEN },
];

/** The whole response to a request whose target is sent as it is. */
async function sendRaw(url: string, method: string, target: string): Promise<string> {
  const connection = await connectRaw(url);
  connection.write(
    `${method} ${target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
  );
  await connection.closed();
  return connection.bytes().toString();
}

for (const role of ['all', 'worker'] as const)
  describe(`Access to the system operations with API keys: ROLE=${role}`, () => {
    const log = keepLog();
    let service: Harness;
    before(async () => {
      service = await startHarness({ ROLE: role, API_KEYS: `shop:${KEY}`, METRICS_TOKEN: TOKEN }, log.logger);
    });
    after(() => service.stop());

    const status = async (path: string, headers: Record<string, string>, method = 'GET') => {
      const response = await fetch(service.url + path, { method, headers });
      await response.text();
      return response.status;
    };

    it('requires an API key or the metrics token for /metrics and /readyz?verbose', async () => {
      for (const path of SECURED)
        for (const credentials of [KEY, TOKEN])
          for (const method of ['GET', 'HEAD'])
            expect(await status(path, bearer(credentials), method), `${method} ${path}`).to.equal(200);
      expect((await service.request('GET', '/metrics', undefined, bearer(TOKEN))).body).to.contain(
        'messaging_messages_recorded_total',
      );
    });

    it('is refused with 401 for missing and wrong credentials', async () => {
      for (const path of SECURED)
        for (const headers of WRONG) {
          const { status, headers: given, body } = await service.request('GET', path, undefined, headers);
          expect([status, body.code], `${path} ${headers.authorization}`).to.deep.equal([
            401,
            'unauthorized',
          ]);
          expect(given.get('www-authenticate')).to.equal('Bearer');
          expect(JSON.stringify(body)).not.to.match(/messages_recorded|breaker/);
        }
    });

    it('shows nothing of the system without credentials for any variant of the paths', async () => {
      for (const path of VARIANTS)
        for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST']) {
          const response = await sendRaw(service.url, method, path);
          expect(response, `${method} ${path}`).not.to.match(
            /messages_recorded|breaker|last_error|"channels"/,
          );
          const status = Number(/^HTTP\/1\.1 (\d+)/.exec(response)?.[1]);
          const isPlain = status === 200 && method !== 'POST' && /readyz/.test(path);
          expect(
            isPlain || status === 204 || (status >= 400 && status < 500),
            `${method} ${path}: ${status}`,
          ).to.equal(true);
        }
    });

    it('is open for health, plain readiness and the contract', async () => {
      const served = role === 'all' ? OPEN : OPEN.filter((path) => !path.includes('openapi'));
      for (const path of served)
        for (const headers of [...WRONG, bearer(TOKEN), bearer(KEY)])
          expect(await status(path, headers), path).to.equal(200);
    });

    it('does not log the token', async () => {
      await status('/metrics', bearer(TOKEN));
      expect(JSON.stringify(log.lines)).to.contain('"/metrics"').and.not.contain(TOKEN);
    });
  });

describe('The metrics token', () => {
  let service: Harness;
  before(async () => {
    const secrets = { TEXT_CO_WEBHOOK_SECRETS: webhookSecret, MAIL_CO_WEBHOOK_SECRETS: webhookSecret };
    service = await startHarness({ API_KEYS: `shop:${KEY}`, METRICS_TOKEN: TOKEN, ...secrets });
  });
  after(() => service.stop());

  it('gives access to no other operation', async () => {
    let refused = 0;
    for (const [path, operations] of Object.entries(openApiDocument().paths))
      for (const method of Object.keys(operations)) {
        if (!path.startsWith('/api')) continue;
        const target = path.replace(/\{\w+\}/g, '1');
        const body = method === 'get' || method === 'delete' ? undefined : {};
        const { status } = await service.request(method.toUpperCase(), target, body, bearer(TOKEN));
        expect(status, `${method} ${path}`).to.equal(401);
        refused++;
      }
    expect(refused).to.be.above(15);
  });

  it('is not needed for access with an API key, and grants nothing if none is configured', async () => {
    const other = await startHarness({ API_KEYS: `shop:${KEY}` });
    for (const path of SECURED) {
      expect((await other.request('GET', path, undefined, bearer(KEY))).status).to.equal(200);
      for (const headers of [...WRONG, bearer(TOKEN), { authorization: 'Bearer ' }])
        expect((await other.request('GET', path, undefined, headers)).status).to.equal(401);
    }
    await other.stop();
  });

  it('is not needed without API keys, on loopback', async () => {
    const open = await startHarness();
    for (const path of SECURED) expect((await open.request('GET', path)).status, path).to.equal(200);
    await open.stop();
  });
});
