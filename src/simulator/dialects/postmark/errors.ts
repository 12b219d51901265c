import type { ErrorRequestHandler, Response } from 'express';

/** Source: https://postmarkapp.com/developer/api/overview#error-codes */
const MESSAGES: Record<number, string> = {
  10: 'No Account or Server API tokens were supplied in the HTTP headers, or the token is not valid.',
  100: 'The Postmark API is offline for maintenance.',
  300: 'Invalid email request.',
  402: 'The JSON is invalid.',
  405: 'Not allowed to send: your account has run out of credits.',
  412: 'While your account is pending approval, all recipient addresses must share the domain of the From address.',
  413: 'The account cannot send this email.',
  429: 'Rate limit exceeded.',
};
const CODES: Record<number, number> = { 401: 10, 429: 429, 503: 100 };

/** The body of an error response. */
export function errorBody(
  status: number,
  code = CODES[status] ?? (status === 422 ? 300 : 0),
  message = MESSAGES[code] ?? 'A simulated failure',
): object {
  return { ErrorCode: code, Message: message };
}

/** Responds with an error. Codes except those of credentials have the status 422. */
export function refuse(response: Response, code: number, message?: string): void {
  const status = code === 10 ? 401 : 422;
  response.status(status).json(errorBody(status, code, message));
}

/** Responds to errors of the validator and of the body parser in the format of Postmark. */
export const handleError: ErrorRequestHandler = (error, _request, response, _next) => {
  if (error.status === 413) return void response.status(413).json(errorBody(413, 0, error.message));
  refuse(response, error.type === 'entity.parse.failed' ? 402 : 300, error.message);
};
