import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { refuse } from './errors.ts';

/** The age of a signature in both directions. */
const TOLERANCE_MS = 5 * 60 * 1_000;
const FORM =
  /^AWS4-HMAC-SHA256 Credential=([A-Z0-9]+)\/(\d{8})\/([a-z0-9-]+)\/ses\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/;
const bodies = new WeakMap<IncomingMessage, Buffer>();

/** Keeps the bytes of a body, which the signature covers. */
export function keepBody(request: IncomingMessage, _response: unknown, body: Buffer): void {
  bodies.set(request, body);
}

/**
 * Checks the signature of a request (AWS Signature Version 4).
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 *
 * @param secret the secret access key; without a secret, any signature of the right form is accepted.
 */
export function checkSignature(secret: string | undefined): RequestHandler {
  return (request, response, next) => {
    const header = request.get('authorization');
    if (header === undefined)
      return refuse(response, 'MissingAuthenticationTokenException', 'Missing Authentication Token');
    const [, keyId, date = '', region = '', names = '', signature = ''] = FORM.exec(header) ?? [];
    const time = request.get('x-amz-date') ?? '';
    if (keyId === undefined || !time.startsWith(date))
      return refuse(response, 'IncompleteSignatureException', 'The Authorization header is incomplete');
    if (Math.abs(Date.now() - timeOf(time)) > TOLERANCE_MS)
      return refuse(response, 'InvalidSignatureException', 'Signature expired');
    if (secret === undefined) return next();
    const signed = names.split(';');
    if (!signed.includes('host') || !signed.includes('x-amz-date'))
      return refuse(response, 'InvalidSignatureException', 'The headers host and x-amz-date must be signed');
    const [path = '', query = ''] = request.originalUrl.split('?');
    const hashed = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');
    const canonical = `${request.method}\n${path}\n${query}\n${signed
      .map((name) => `${name}:${(request.get(name) ?? '').trim()}\n`)
      .join('')}\n${names}\n${hashed(bodies.get(request) ?? '')}`;
    const mac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
    const key = mac(mac(mac(mac(`AWS4${secret}`, date), region), 'ses'), 'aws4_request');
    const expected = mac(
      key,
      `AWS4-HMAC-SHA256\n${time}\n${date}/${region}/ses/aws4_request\n${hashed(canonical)}`,
    );
    if (timingSafeEqual(expected, Buffer.from(signature, 'hex'))) next();
    else refuse(response, 'InvalidSignatureException', 'The request signature we calculated does not match');
  };
}

/** Of a time such as `20261127T101530Z`. */
function timeOf(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)(\d\dZ)$/, '$1-$2-$3:$4:$5'));
}
