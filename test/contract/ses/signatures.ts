import type { RequestHandler } from 'express';
import { signedHeaders } from '../../../src/providers/ses/sigv4.ts';
import { ACCESS_KEY_ID } from '../../support/ses.ts';

/** The form of a signed request (AWS Signature Version 4). */
export const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=[A-Z0-9]+\/\d{8}\/[a-z0-9-]+\/ses\/aws4_request, SignedHeaders=[a-z0-9;-]+, Signature=[0-9a-f]{64}$/;
const example = (digit: string) =>
  `AWS4-HMAC-SHA256 Credential=${ACCESS_KEY_ID}/20261127/us-east-1/ses/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=${digit.repeat(64)}`;
/** The examples in the contract, which no key makes. */
export const GOOD = example('a');
export const WRONG = example('f');

/** Replaces the example of a valid signature with the signature of the request. */
export function signAwsAnew(secretAccessKey: string, providerUrl: string): RequestHandler {
  const credentials = { accessKeyId: ACCESS_KEY_ID, secretAccessKey, sessionToken: null };
  return (request, _response, next) => {
    if (request.get('authorization') === GOOD) {
      const body = request.method === 'POST' ? JSON.stringify(request.body) : '';
      // The proxy of the verification keeps the host.
      const path = new URL(providerUrl).pathname + request.originalUrl;
      const url = new URL(path, `http://${request.get('host')}`);
      const scope = { region: 'us-east-1', service: 'ses' };
      const target = { method: request.method, url, headers: {}, body };
      Object.assign(request.headers, signedHeaders(target, credentials, scope, new Date()));
    }
    next();
  };
}
