import { HTTPError, type Response } from 'got';
import { decodeBody } from './response-body.ts';
import { retryAfterMs } from './retry-after.ts';

/** A complete response, or one whose body ended early. */
export interface ProviderResponse {
  status: number;
  headers: Response['headers'];
  /** Null if the body is incomplete, too long, or has an unknown content encoding. */
  text: string | null;
  /** The value of `Retry-After` in milliseconds; null if the header is absent, repeated or invalid. */
  retryAfterMs: number | null;
}

/** Null if the text is not JSON. */
export function parseJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return null;
  }
}

export function isSuccess({ statusCode }: Pick<Response, 'statusCode'>): boolean {
  return statusCode >= 200 && statusCode <= 299;
}

export function toProviderResponse(
  { statusCode: status, headers, headersDistinct }: Response,
  text: string | null,
): ProviderResponse {
  return { status, headers, text, retryAfterMs: retryAfterMs(headersDistinct['retry-after'], Date.now()) };
}

export function textOf(response: Response): string | null {
  const body = bodyOf(response);
  return body === null || body === 'too_long' ? null : body.text;
}

/** Null if no body was read, or its content encoding is unknown or invalid. */
export function bodyOf({ rawBody, headers }: Response): ReturnType<typeof decodeBody> {
  return rawBody ? decodeBody(rawBody, headers['content-encoding']) : null;
}

/** got treats a redirect that is not followed as a success; here only 2xx is a success. */
export function onlySuccess(response: Response): Response {
  if (!isSuccess(response)) throw new HTTPError(response);
  return response;
}
