import { expect } from 'chai';
import { createTokens } from '../../../src/providers/vonage/token.ts';
import { findOracle, NOT_INSTALLED } from '../../support/oracles.ts';
import {
  APPLICATION_ID,
  PRIVATE_KEY,
  PUBLIC_KEY,
  SIGNATURE_SECRET,
  signatureOf,
} from '../../support/vonage.ts';

/** The parts of the official library that the tests use. */
interface Library {
  tokenGenerate(applicationId: string, privateKey: string): string;
  verifySignature(token: string, key: string): boolean;
}

const library = findOracle<Library>('@vonage/jwt');

describe(`The official JWT library of Vonage${library ? '' : NOT_INSTALLED}`, () => {
  before(function () {
    if (!library) this.skip();
  });
  const { tokenGenerate, verifySignature } = library ?? ({} as Library);
  const claimsOf = (token: string) =>
    JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString());

  it('accepts the tokens of requests, and no changed token', () => {
    const token = createTokens(APPLICATION_ID, PRIVATE_KEY)();
    expect(verifySignature(token, PUBLIC_KEY)).to.equal(true);
    const [header, , signature] = token.split('.');
    const [, payload] = createTokens('another', PRIVATE_KEY)().split('.');
    expect(verifySignature([header, payload, signature].join('.'), PUBLIC_KEY)).to.equal(false);
  });

  it('makes tokens with the same claims and the same lifetime', () => {
    const [own, theirs] = [
      createTokens(APPLICATION_ID, PRIVATE_KEY)(),
      tokenGenerate(APPLICATION_ID, PRIVATE_KEY),
    ];
    const [claims, expected] = [claimsOf(own), claimsOf(theirs)];
    expect(Object.keys(claims)).to.have.members(Object.keys(expected));
    expect(claims.exp - claims.iat).to.equal(expected.exp - expected.iat);
    expect(claims.application_id).to.equal(expected.application_id);
    expect(own.split('.')[0]?.length).to.equal(theirs.split('.')[0]?.length);
  });

  it('accepts the signatures of simulated webhooks, and no signature with another secret', () => {
    const [, token = ''] = signatureOf('{}').split(' ');
    expect(verifySignature(token, SIGNATURE_SECRET)).to.equal(true);
    expect(verifySignature(token, `${SIGNATURE_SECRET}x`)).to.equal(false);
    const [, other = ''] = signatureOf('{}', 'another-secret-of-somebody').split(' ');
    expect(verifySignature(other, SIGNATURE_SECRET)).to.equal(false);
  });
});
