import type { ErrorRequestHandler, Response } from 'express';
import * as OpenApiValidator from 'express-openapi-validator';

/** The status and the message of each error code. Source: https://www.twilio.com/docs/api/errors */
const ERRORS: Record<number, [status: number, message: string]> = {
  11200: [400, 'HTTP retrieval failure'],
  20001: [400, 'A parameter is invalid'],
  20003: [401, 'Authenticate'],
  20004: [405, 'Method not allowed'],
  20404: [404, 'The requested resource was not found'],
  20429: [429, 'Too many requests'],
  20500: [500, 'Internal server error'],
  20503: [503, 'Service unavailable'],
  21211: [400, "The 'To' number is not a valid phone number"],
  21212: [400, "The 'From' number is not a valid phone number, short code or alphanumeric sender ID"],
  21266: [400, "The 'To' and 'From' numbers are the same"],
  21408: [400, "Permission to send an SMS to the region of the 'To' number is not enabled"],
  21603: [400, "A 'From' phone number is required"],
  21604: [400, "A 'To' phone number is required"],
  21606: [400, "The 'From' number is not a message-capable number of this account"],
  21609: [400, "The 'StatusCallback' URL is not valid"],
  21610: [400, 'Attempt to send to an unsubscribed recipient'],
  21611: [400, "The 'From' number exceeds the maximum number of queued messages"],
  21612: [400, "The 'To' number cannot be reached from the 'From' number"],
  21614: [400, "The 'To' number is not a mobile number"],
  21617: [400, 'The message body exceeds the limit of 1600 characters'],
  21619: [400, 'A message body or media URLs are required'],
  21620: [400, 'A media URL is not valid'],
  21623: [400, 'The number of media exceeds the limit of 10'],
  21705: [400, 'The Messaging Service SID is invalid'],
  30001: [400, 'Queue overflow'],
  30002: [400, 'Account suspended'],
  30003: [400, 'Unreachable destination handset'],
  30004: [400, 'Message blocked'],
  30005: [400, 'Unknown destination handset'],
  30006: [400, 'Landline or unreachable carrier'],
  30007: [400, 'Message filtered'],
  30008: [400, 'Unknown error'],
  30034: [400, 'Message from an unregistered number'],
  30409: [409, 'This message cannot be canceled'],
};

const CODE_OF_STATUS: Record<number, number> = { 401: 20003, 404: 20404, 405: 20004, 429: 20429, 503: 20503 };

/** The code of an invalid parameter, by the path of the parameter and by the rule. Other parameters have 20001. */
const INVALID: [parameter: RegExp, code: number][] = [
  [/^\/body\/To required/, 21604],
  [/^\/body\/To /, 21211],
  [/^\/body\/From /, 21212],
  [/^\/body\/Body maxLength/, 21617],
  [/^\/body\/MediaUrl maxItems/, 21623],
  [/^\/body\/MediaUrl/, 21620],
  [/^\/body\/StatusCallback /, 21609],
  [/^\/body\/MessagingServiceSid /, 21705],
];

export function messageOf(code: number): string {
  return ERRORS[code]?.[1] ?? `Simulated error ${code}`;
}

/** The body of an error. */
export function errorBody(status: number, code = codeOfStatus(status), message = messageOf(code)): object {
  return { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status };
}

/** The code of a response that no code is given for. */
function codeOfStatus(status: number): number {
  return CODE_OF_STATUS[status] ?? (status >= 500 ? 20500 : 20001);
}

/** Responds with an error and its status. */
export function refuse(response: Response, code: number, message = messageOf(code)): void {
  const status = ERRORS[code]?.[0] ?? 400;
  if (status === 401) response.set('www-authenticate', 'Basic realm="Twilio API"');
  response.status(status).json(errorBody(status, code, message));
}

/** Responds to errors of the validator and of the body parser in the format of Twilio. */
export const handleError: ErrorRequestHandler = (error, _request, response, _next) => {
  if (!(error instanceof OpenApiValidator.error.BadRequest)) {
    const { status = 500 } = error;
    return void response.status(status).json(errorBody(status));
  }
  const faults = error.errors.map(({ path, errorCode = '' }) => `${path} ${errorCode}`);
  for (const [parameter, code] of INVALID)
    if (faults.some((fault) => parameter.test(fault))) return refuse(response, code);
  refuse(response, 20001, error.message);
};
