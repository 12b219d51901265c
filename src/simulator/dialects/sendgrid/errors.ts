import type { ErrorRequestHandler, Response } from 'express';
import * as OpenApiValidator from 'express-openapi-validator';

/** Sources: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors and the API description of SendGrid. */
const MESSAGES: Record<number, string> = {
  401: 'The provided authorization grant is invalid, expired, or revoked',
  403: 'access forbidden',
  404: 'not found',
  405: 'method not allowed',
  413: 'content too large',
  429: 'too many requests',
  500: 'internal server error',
};

/** The body of an error response. */
export function errorBody(
  status: number,
  field: string | number | null = null,
  message = MESSAGES[status] ?? 'invalid request',
): object {
  return { errors: [{ message, field: field === null ? null : String(field), help: null }] };
}

/** Responds with an error. */
export function refuse(
  response: Response,
  status: number,
  field: string | null = null,
  message?: string,
): void {
  response.status(status).json(errorBody(status, field, message));
}

/** Responds to errors of the validator and of the body parser in the format of SendGrid. */
export const handleError: ErrorRequestHandler = (error, _request, response, _next) => {
  if (!(error instanceof OpenApiValidator.error.BadRequest))
    return refuse(response, error.status === 413 ? 413 : 400, null, error.message);
  const [first] = error.errors;
  const field = first?.path.replace(/^\/body\/?/, '').replaceAll('/', '.') || null;
  refuse(response, 400, field, first?.message);
};
