import { createHash, createHmac, createPublicKey, createSecretKey, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { claimsOf, createTokens, isGenuine } from '../../../src/providers/vonage/token.ts';
import {
  API_KEY,
  APPLICATION_ID,
  PRIVATE_KEY,
  PUBLIC_KEY,
  SIGNATURE_SECRET,
  signatureOf,
} from '../../support/vonage.ts';

interface Vector {
  secret: string;
  token: string;
}

const file = new URL('../vectors/vonage-messages.json', import.meta.url);
const vectors: Vector[] = JSON.parse(readFileSync(file, 'utf8'));
const keyOf = (secret: string) => createSecretKey(Buffer.from(secret));
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** A text with another lowest bit in one character of base64url. */
function withFlippedBit(text: string, index: number): string {
  const flipped = ALPHABET[ALPHABET.indexOf(text[index] as string) ^ 1] as string;
  return text.slice(0, index) + flipped + text.slice(index + 1);
}

describe('The token of a webhook of Vonage', () => {
  for (const { secret, token } of vectors) {
    it('of the public vector is valid, also while another secret is valid', () => {
      const claims = {
        ...{ iat: 1_587_494_962, iss: 'Vonage', api_key: 'a1b2c3d' },
        application_id: 'aaaaaaaa-bbbb-cccc-dddd-0123456789ab',
      };
      expect(claimsOf(token, [keyOf(secret)])).to.include(claims);
      expect(claimsOf(token, [keyOf('another'), keyOf(secret)])).to.include(claims);
    });

    it('of the public vector is invalid after a change of any character, and by another secret', () => {
      for (let index = 0; index < token.length; index++)
        if (token[index] !== '.')
          expect(claimsOf(withFlippedBit(token, index), [keyOf(secret)]), `${index}`).to.equal(null);
      expect(claimsOf(token, [keyOf(`${secret}x`)])).to.equal(null);
      expect(claimsOf(token, [])).to.equal(null);
      for (const other of ['', '..', token.slice(0, -1), `${token}.`, `${token}=`, ` ${token}`])
        expect(claimsOf(other, [keyOf(secret)]), other).to.equal(null);
    });

    it('of the public vector belongs to another body, and is too old', async () => {
      const account = { apiKey: 'a1b2c3d', applicationId: 'aaaaaaaa-bbbb-cccc-dddd-0123456789ab' };
      const signedBy = { ...account, keys: [keyOf(secret)] };
      const read = async () => Buffer.from('{}');
      for (const now of [1_587_494_962_000, Date.now()])
        expect(await isGenuine(token, signedBy, now, read)).to.equal(false);
    });
  }

  const body = '{"message_uuid": "1"}';
  const now = 1_700_000_000_000;
  const good = {
    ...{ iat: 1_700_000_000, jti: '1', iss: 'Vonage', api_key: API_KEY, application_id: APPLICATION_ID },
    payload_hash: createHash('sha256').update(body).digest('hex'),
  };
  const tokenOf = (claims: unknown, header: unknown = { alg: 'HS256', typ: 'JWT' }, hash = 'sha256') => {
    const content = `${encode(header)}.${encode(claims)}`;
    return `${content}.${createHmac(hash, SIGNATURE_SECRET).update(content).digest('base64url')}`;
  };
  let reads = 0;
  const check = (token: string, own = body) =>
    isGenuine(
      token,
      { keys: [keyOf(SIGNATURE_SECRET)], apiKey: API_KEY, applicationId: APPLICATION_ID },
      now,
      async () => {
        reads++;
        return Buffer.from(own);
      },
    );
  beforeEach(() => {
    reads = 0;
  });

  it('is genuine within five minutes of its time, with unknown claims and a hash in upper case', async () => {
    for (const iat of [good.iat, good.iat - 300, good.iat + 300])
      expect(await check(tokenOf({ ...good, iat })), `${iat}`).to.equal(true);
    expect(await check(tokenOf({ ...good, future: [1] }))).to.equal(true);
    expect(await check(tokenOf({ ...good, payload_hash: good.payload_hash.toUpperCase() }))).to.equal(true);
  });

  it('is not genuine for another body', async () => {
    expect(await check(tokenOf(good), `${body} `)).to.equal(false);
    expect(await check(tokenOf(good), '')).to.equal(false);
  });

  const { iat: _iat, ...withoutTime } = good;
  const { payload_hash: _hash, ...withoutHash } = good;
  const { api_key: _key, ...withoutKey } = good;
  const { application_id: _id, ...withoutApplication } = good;
  const claims: [title: string, claims: unknown][] = [
    ['a time more than five minutes ago', { ...good, iat: good.iat - 301 }],
    ['a time more than five minutes from now', { ...good, iat: good.iat + 301 }],
    ['a time that is a text', { ...good, iat: String(good.iat) }],
    ['no time', withoutTime],
    ['a time that is null', { ...good, iat: null }],
    ['the API key of another account', { ...good, api_key: 'b1b2c3d4' }],
    ['no API key', withoutKey],
    ['the id of another application', { ...good, application_id: APPLICATION_ID.replace('a', 'b') }],
    ['no application', withoutApplication],
    ['no hash', withoutHash],
    ['a hash that is no text', { ...good, payload_hash: 1 }],
    ['a hash of another length', { ...good, payload_hash: good.payload_hash.slice(2) }],
    ['no claims', null],
    ['claims that are a list', [good]],
  ];
  for (const [title, own] of claims)
    it(`is not genuine with ${title}, and the body is not read`, async () => {
      expect(await check(tokenOf(own))).to.equal(false);
      expect(reads).to.equal(0);
    });

  const headers: [title: string, token: () => string][] = [
    ['none', () => `${encode({ alg: 'none' })}.${encode(good)}.`],
    ['none, with a signature by HS256', () => tokenOf(good, { alg: 'none' })],
    ['HS512', () => tokenOf(good, { alg: 'HS512' }, 'sha512')],
    ['HS512, with a signature by HS256', () => tokenOf(good, { alg: 'HS512' })],
    ['no algorithm', () => tokenOf(good, {})],
    ['a header that is no object', () => tokenOf(good, 'HS256')],
    [
      'RS256',
      () => {
        const content = `${encode({ alg: 'RS256' })}.${encode(good)}`;
        return `${content}.${sign('sha256', Buffer.from(content), PRIVATE_KEY).toString('base64url')}`;
      },
    ],
  ];
  for (const [title, token] of headers)
    it(`is not genuine with the algorithm ${title}`, async () => {
      expect(await check(token())).to.equal(false);
      expect(reads).to.equal(0);
    });

  it('is made by the simulator as the service verifies it', async () => {
    const [, token = ''] = signatureOf(body, SIGNATURE_SECRET, good.iat).split(' ');
    expect(await check(token)).to.equal(true);
  });
});

describe('The token of a request to Vonage', () => {
  const partsOf = (token: string) => token.split('.') as [string, string, string];
  const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());

  it('is signed by RS256 with the key of the application, is short-lived, and is never the same', () => {
    const newToken = createTokens(APPLICATION_ID, PRIVATE_KEY);
    const [header, payload, signature] = partsOf(newToken());
    const content = Buffer.from(`${header}.${payload}`);
    const isSigned = verify(
      'sha256',
      content,
      createPublicKey(PUBLIC_KEY),
      Buffer.from(signature, 'base64url'),
    );
    expect(isSigned).to.equal(true);
    expect(decode(header)).to.deep.equal({ alg: 'RS256', typ: 'JWT' });
    const claims = decode(payload);
    expect(claims).to.have.all.keys('application_id', 'iat', 'exp', 'jti');
    expect(claims.application_id).to.equal(APPLICATION_ID);
    expect(claims.iat).to.be.closeTo(Date.now() / 1_000, 10);
    expect(claims.exp - claims.iat).to.equal(900);
    expect(decode(partsOf(newToken())[1]).jti).not.to.equal(claims.jti);
  });
});
