import type { ErrorRequestHandler, Response } from 'express';

/** Sources: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors and CommonErrors.html there. */
const STATUSES: Record<string, number> = {
  ...{ AccessDeniedException: 403, InvalidSignatureException: 403, MissingAuthenticationTokenException: 403 },
  ...{ UnrecognizedClientException: 403, NotFoundException: 404, TooManyRequestsException: 429 },
};
const TYPES: Record<number, string> = {
  ...{ 403: 'AccessDeniedException', 404: 'NotFoundException', 429: 'TooManyRequestsException' },
  ...{ 500: 'InternalFailure', 503: 'ServiceUnavailable' },
};

/** The body of an error response. SES has the type in a header; other AWS services have it in the body too. */
export function errorBody(status: number, type: string | number | undefined): object {
  const fallback = TYPES[status] ?? (status >= 500 ? 'InternalFailure' : 'BadRequestException');
  return { __type: String(type ?? fallback), message: 'A simulated failure' };
}

/** Responds with an error, whose type is in a header. */
export function refuse(response: Response, type: string, message: string): void {
  response
    .status(STATUSES[type] ?? 400)
    .set('x-amzn-errortype', type)
    .json({ message });
}

/** Responds to errors of the validator and of the body parser in the format of SES. */
export const handleError: ErrorRequestHandler = (error, _request, response, _next) =>
  refuse(response, 'BadRequestException', error.message);
