import type { ErrorRequestHandler, Response } from 'express';
import * as OpenApiValidator from 'express-openapi-validator';

/** The status and the title of each error code. Source: https://support.telnyx.com/en/articles/6505121-telnyx-messaging-error-codes */
const ERRORS: Record<number, [status: number, title: string]> = {
  10001: [400, 'Inactive phone number'],
  10002: [400, 'Invalid phone number'],
  10003: [400, 'Invalid URL'],
  10004: [422, 'Missing required parameter'],
  10005: [404, 'Resource not found'],
  10006: [400, 'Invalid ID'],
  10007: [500, 'Unexpected error'],
  10009: [401, 'Authentication failed'],
  10010: [403, 'Authorization failed'],
  10011: [429, 'Too many requests'],
  10015: [400, 'Bad Request'],
  10016: [400, 'Phone number must be in +E.164 format'],
  20012: [403, 'Account inactive'],
  20100: [402, 'Insufficient Funds'],
  40001: [400, 'Not routable'],
  40002: [400, 'Blocked as spam - temporary'],
  40003: [400, 'Blocked as spam - permanent'],
  40008: [400, 'Undeliverable'],
  40014: [400, 'Message expired in queue'],
  // Telnyx also answers with 400 and 403.
  40300: [409, 'Blocked due to STOP message'],
  40302: [400, 'Message too large'],
  40304: [400, 'Invalid combination of message content arguments'],
  40305: [400, "Invalid 'from' address"],
  40310: [400, "Invalid 'to' address"],
  40312: [403, 'Messaging profile is disabled'],
  40316: [400, 'No content provided for message'],
  40317: [400, 'Invalid MMS content'],
  40318: [429, 'Message queue full'],
  40320: [400, "Temporarily unusable 'from' address"],
};
const CODE_OF_STATUS: Record<number, number> = {
  ...{ 401: 10009, 402: 20100, 403: 10010, 404: 10005, 409: 40300, 422: 10004, 429: 10011 },
};

/** The code of an invalid field, by its path and by the rule. Other fields have 10015. */
const INVALID: [field: RegExp, code: number][] = [
  [/^\/body\/\w+ required/, 10004],
  [/^\/body\/to/, 40310],
  [/^\/body\/from /, 40305],
  [/^\/body\/media_urls/, 40317],
  [/^\/body\/webhook/, 10003],
  [/^\/params\/id /, 10006],
];

export function titleOf(code: number): string {
  return ERRORS[code]?.[1] ?? `Simulated error ${code}`;
}

/** One error of a response or of a report. */
export function errorOf(code: number, detail = `${titleOf(code)}.`, pointer?: string): object {
  return {
    ...{ code: String(code), title: titleOf(code), detail },
    ...(pointer !== undefined && { source: { pointer } }),
    meta: { url: `https://developers.telnyx.com/docs/overview/errors/${code}` },
  };
}

/** The body of an error response. */
export function errorBody(status: number, code = codeOfStatus(status), detail?: string): object {
  return { errors: [errorOf(code, detail)] };
}

/** The code of a response that no code is given for. */
function codeOfStatus(status: number): number {
  return CODE_OF_STATUS[status] ?? (status >= 500 ? 10007 : 10015);
}

/** Responds with an error and its status. */
export function refuse(response: Response, code: number, detail?: string): void {
  const status = ERRORS[code]?.[0] ?? 400;
  response.status(status).json(errorBody(status, code, detail));
}

/** Responds to errors of the validator and of the body parser in the format of Telnyx. */
export const handleError: ErrorRequestHandler = (error, _request, response, _next) => {
  if (!(error instanceof OpenApiValidator.error.BadRequest)) {
    const { status = 500 } = error;
    return void response.status(status).json(errorBody(status));
  }
  const faults = error.errors.map(({ path, errorCode = '' }) => `${path} ${errorCode}`);
  for (const [field, code] of INVALID)
    if (faults.some((fault) => field.test(fault))) return refuse(response, code);
  refuse(response, 10015, error.message);
};
