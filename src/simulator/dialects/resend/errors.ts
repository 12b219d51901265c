import type { ErrorRequestHandler, Response } from 'express';

/** The status of each error. Source: https://resend.com/docs/api-reference/errors */
const STATUSES: Record<string, number> = {
  ...{ validation_error: 400, missing_api_key: 401, restricted_api_key: 401, invalid_api_key: 403 },
  ...{ not_found: 404, method_not_allowed: 405, invalid_idempotent_request: 409 },
  ...{ concurrent_idempotent_requests: 409, invalid_parameter: 422, missing_required_field: 422 },
  ...{ rate_limit_exceeded: 429, daily_quota_exceeded: 429, monthly_quota_exceeded: 429 },
  ...{ application_error: 500, internal_server_error: 500 },
};
const NAMES: Record<number, string> = {
  ...{
    401: 'missing_api_key',
    403: 'invalid_api_key',
    404: 'not_found',
    409: 'concurrent_idempotent_requests',
  },
  ...{ 422: 'invalid_parameter', 429: 'rate_limit_exceeded', 451: 'security_error' },
};

/** The body of an error response. */
export function errorBody(status: number, name?: string | number, message = 'A simulated failure'): object {
  const fallback = NAMES[status] ?? (status >= 500 ? 'internal_server_error' : 'validation_error');
  return { statusCode: status, name: String(name ?? fallback), message };
}

/** Responds with an error and its status. */
export function refuse(
  response: Response,
  name: string,
  message: string,
  status = STATUSES[name] ?? 400,
): void {
  response.status(status).json(errorBody(status, name, message));
}

/** Responds to errors of the validator and of the body parser in the format of Resend. */
export const handleError: ErrorRequestHandler = (error, _request, response, _next) =>
  refuse(response, 'validation_error', error.message, 422);
