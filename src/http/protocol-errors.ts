import type { RequestHandler } from 'express';
import { ProtocolError, ServiceError } from '../errors.ts';

/** Errors of Node's HTTP parser by code; any other error is a malformed request. */
const REASONS: Record<string, () => ServiceError> = {
  HPE_HEADER_OVERFLOW: () =>
    new ProtocolError('headers_too_large', 'The request line and the headers are over 16384 bytes together.'),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: () =>
    new ServiceError('payload_too_large', 'The chunk extensions of the body are over 16384 bytes.'),
  ERR_HTTP_REQUEST_TIMEOUT: () => new ProtocolError('request_timeout', 'The request did not arrive in time.'),
};

/** Converts an error of Node's HTTP parser. */
export function fromParser({ code = '' }: NodeJS.ErrnoException): ServiceError {
  return REASONS[code]?.() ?? new ProtocolError('bad_request', 'The request is not valid HTTP/1.1.');
}

/**
 * Middleware for requests that violate HTTP, but that Node.js accepts or refuses with an empty response (RFC 9110, 10.1.1;
 * RFC 9112, 3.2).
 *
 * @throws {ProtocolError} if the request is HTTP/0.9, does not have exactly one `Host` header, or has an expectation other
 *   than `100-continue`.
 */
export const checkProtocol: RequestHandler = (request, _response, next) => {
  const { httpVersion, headers, headersDistinct } = request;
  if (httpVersion === '0.9') throw new ProtocolError('bad_request', 'HTTP/0.9 is not supported.');
  const hosts = headersDistinct.host?.length ?? 0;
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1'))
    throw new ProtocolError('bad_request', 'A request needs exactly one Host header.');
  // HTTP/1.0 has no `100 Continue`, so its expectation is ignored (RFC 9110, 10.1.1).
  if (httpVersion === '1.0') delete headers.expect;
  if (headers.expect !== undefined && !/^100-continue$/i.test(headers.expect))
    throw new ProtocolError('expectation_failed', 'The only supported expectation is 100-continue.');
  next();
};
