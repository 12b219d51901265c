import { createHash, createHmac } from 'node:crypto';
import { expect } from 'chai';
import { signedHeaders } from '../../../src/providers/ses/sigv4.ts';
import { findOracle, NOT_INSTALLED } from '../../support/oracles.ts';
import { ACCESS_KEY_ID, SECRET_ACCESS_KEY } from '../../support/ses.ts';

interface Request {
  method: string;
  protocol: string;
  hostname: string;
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  body?: string;
}
interface Library {
  SignatureV4: new (
    options: object,
  ) => {
    sign(request: Request, options: { signingDate: Date }): Promise<{ headers: Record<string, string> }>;
  };
}

const library = findOracle<Library>('@smithy/signature-v4');

/** The hash function that the library requires. */
class Sha256 {
  readonly #hash;

  constructor(secret?: string | Uint8Array) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret);
  }

  update(data: string | Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

describe(`The signer of the AWS library${library ? '' : NOT_INSTALLED}`, () => {
  before(function () {
    if (!library) this.skip();
  });

  it('makes the same signatures as the service', async () => {
    const region = 'eu-west-1';
    const signingDate = new Date('2026-11-27T10:15:30.123Z');
    const hostname = `email.${region}.amazonaws.com`;
    const cases: [string, string, Record<string, string>, string | undefined][] = [
      ['POST', '/v2/email/outbound-emails', {}, '{"FromEmailAddress":"shop@example.com","a":"ü 👋"}'],
      ['GET', '/v2/email/account', {}, undefined],
      [
        'GET',
        "/v2/email/identities/a b@example.com/(x)'*!",
        { PageSize: '10', NextToken: 'a+b/c= ~' },
        undefined,
      ],
    ];
    for (const sessionToken of [null, 'a-session-token/of+a=role'])
      for (const [method, path, query, body] of cases) {
        const credentials = { accessKeyId: ACCESS_KEY_ID, secretAccessKey: SECRET_ACCESS_KEY };
        const signer = new (library as Library).SignatureV4({
          ...{ service: 'ses', region, sha256: Sha256, applyChecksum: false },
          credentials: { ...credentials, ...(sessionToken !== null && { sessionToken }) },
        });
        const encoded = path.split('/').map(encodeURIComponent).join('/');
        const headers: Record<string, string> =
          body === undefined ? {} : { 'content-type': 'application/json' };
        const request = { method, protocol: 'https:', hostname, path: encoded, query };
        const signed = await signer.sign(
          { ...request, headers: { ...headers, host: hostname }, ...(body !== undefined && { body }) },
          { signingDate },
        );
        const url = new URL(`https://${hostname}${encoded}?${new URLSearchParams(query)}`);
        const own = signedHeaders(
          { method, url, headers, body: body ?? '' },
          { ...credentials, sessionToken },
          { region, service: 'ses' },
          signingDate,
        );
        expect(own.authorization, path).to.equal(signed.headers.authorization);
      }
  });
});
