import { expect } from 'chai';
import { SCOPES } from '../../../src/config/api-keys.ts';
import { type OpenApiDocument, openApiDocument } from '../../../src/openapi/document.ts';
import { sms } from '../../support/bodies.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { connectRaw, head } from '../../support/raw.ts';

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
interface Scoped {
  id: string;
  method: Method;
  path: string;
  scope: string;
}

const KEYS = {
  read: 'reader:key-of-the-reader:read',
  send: 'sender:key-of-the-sender:send',
  admin: 'operator:key-of-the-operator:admin',
};
const keyOf = (scope: keyof typeof KEYS) => ({ authorization: `Bearer ${KEYS[scope].split(':')[1]}` });

/** The operations that accept API keys, with their scopes. */
function scoped({ paths }: OpenApiDocument): Scoped[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { operationId: id = '', security }]) => {
      expect(security, `the security of ${id}`).to.be.an('array');
      const roles = security?.find((requirement) => 'apiKey' in requirement)?.apiKey;
      return roles ? [{ id, method: method as Method, path, scope: roles.join() }] : [];
    }),
  );
}

describe('The scopes of API keys', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({ API_KEYS: `${Object.values(KEYS).join()},all:key-with-all-scopes` });
  });
  after(() => service.stop());

  it('are stated by each operation of the contract', () => {
    const operations = scoped(openApiDocument());
    expect(operations).to.have.length.above(15);
    for (const { id, method, path, scope } of operations) {
      expect(scope, id).to.be.oneOf([...SCOPES]);
      const changesLedger =
        path.startsWith('/api/suppressions') && (method !== 'get' || path.endsWith('/export'));
      const isPrivacy =
        path.startsWith('/api/erasures') ||
        ['eraseParticipant', 'exportParticipant', 'redactMessage'].includes(id);
      if (
        path.startsWith('/api/quarantine') ||
        path.startsWith('/api/endpoints') ||
        changesLedger ||
        isPrivacy
      )
        expect(scope, id).to.equal('admin');
      else expect(scope, id).to.equal(method === 'get' ? 'read' : 'send');
    }
  });

  it('give access to the operations of the scope only', async () => {
    for (const { id, method, path, scope } of scoped(openApiDocument())) {
      if (id === 'getReadiness') continue;
      const target = path.replace(/\{\w+\}/g, '4711');
      for (const own of SCOPES) {
        // The response does not end.
        if (id === 'streamEvents' && own === scope) continue;
        const { status, headers, body } = await service.request(
          method.toUpperCase(),
          target,
          undefined,
          keyOf(own),
        );
        if (own === scope) {
          expect(status, `${id} ${own}`).to.be.oneOf([200, 202, 204, 404, 409, 415, 422]);
          continue;
        }
        expect(status, `${id} ${own}`).to.equal(403);
        expect(body).to.include({ code: 'insufficient_scope', required_scope: scope });
        expect(body.detail).to.equal(`The API key does not have the scope "${scope}".`);
        expect(headers.get('www-authenticate')).to.equal(
          `Bearer error="insufficient_scope", scope="${scope}"`,
        );
      }
    }
  });

  it('are all scopes by default', async () => {
    const all = { authorization: 'Bearer key-with-all-scopes' };
    const { status, body } = await service.request('POST', '/api/messages/sms', sms, all);
    expect(status).to.equal(202);
    expect((await service.request('GET', `/api/messages/${body.id}`, undefined, all)).status).to.equal(200);
    expect((await service.request('GET', '/metrics', undefined, all)).status).to.equal(200);
  });

  it('restrict the verbose readiness, and not the readiness itself', async () => {
    const status = async (path: string, scope: keyof typeof KEYS) =>
      (await service.request('GET', path, undefined, keyOf(scope))).status;
    expect(await status('/readyz', 'send')).to.equal(200);
    expect(await status('/readyz?verbose', 'send')).to.equal(403);
    expect(await status('/readyz?verbose', 'read')).to.equal(200);
  });

  it('are checked before the body arrives', async () => {
    const client = await connectRaw(service.url);
    const headers = { 'content-type': 'application/json', 'content-length': 500, ...keyOf('read') };
    client.write(head('POST', '/api/messages/sms', headers));
    expect(await client.receive(/"insufficient_scope"/)).to.match(/^HTTP\/1.1 403 /);
    client.close();
  });
});
