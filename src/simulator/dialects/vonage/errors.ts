import type { ErrorRequestHandler, Response } from 'express';
import * as OpenApiValidator from 'express-openapi-validator';

const PAGES = 'https://developer.vonage.com/api-errors';

/** The titles of the error codes. Source: https://developer.vonage.com/en/api-errors/messages */
const TITLES: Record<number, string> = {
  1000: 'Throttled',
  1020: 'Invalid params',
  1030: 'Internal error',
  1040: 'Invalid message',
  1050: 'Number barred',
  1060: 'Partner account barred',
  1070: 'Partner quota exceeded',
  1100: 'Communication failed',
  1120: 'Illegal sender address',
  1170: 'Invalid or missing msisdn param',
  1180: 'Absent subscriber temporary',
  1210: 'Anti-spam rejection',
  1240: 'Illegal number',
  1260: 'Destination unreachable',
  1331: 'Provider error',
  1380: 'Invalid resource',
  1420: 'Invalid sender',
  1430: 'Invalid recipient',
  1440: 'Invalid message type',
  1450: 'Invalid client reference',
};

/** The errors without a code, by status. */
const WITHOUT_CODE: Record<number, [fragment: string, title: string]> = {
  401: ['unauthorized', 'You did not provide correct credentials.'],
  402: ['low-balance', 'Low balance'],
  403: ['forbidden', 'Your account does not have permission to perform this action'],
  404: ['not-found', 'The requested resource does not exist, or you do not have access to it'],
};
const CODE_OF_STATUS: Record<number, number> = { 422: 1020, 429: 1000 };

/** The code of an invalid parameter, by its path. Other parameters have 1020. */
const INVALID: [parameter: RegExp, code: number][] = [
  [/^\/body\/to/, 1430],
  [/^\/body\/from/, 1420],
  [/^\/body\/(?:message_type|channel)/, 1440],
  [/^\/body\/client_ref/, 1450],
];

/** The error of a status webhook: its title is the code. */
export function webhookError(code: number): object {
  const detail = TITLES[code] ?? `Simulated error ${code}`;
  return { type: `${PAGES}/messages#${code}`, title: String(code), detail, instance: instanceOf(code) };
}

/** The body of an error response. */
export function errorBody(status: number, code = codeOfStatus(status), detail?: string): object {
  const [fragment, title] =
    code === null
      ? (WITHOUT_CODE[status] ?? ['', `Simulated error ${status}`])
      : [`${code}`, TITLES[code] ?? `Simulated error ${code}`];
  const page = code === null ? `${PAGES}#${fragment}` : `${PAGES}/messages#${fragment}`;
  return { type: page, title, detail: detail ?? title, instance: instanceOf(code ?? status) };
}

function codeOfStatus(status: number): number | null {
  if (WITHOUT_CODE[status]) return null;
  return CODE_OF_STATUS[status] ?? (status >= 500 ? 1030 : 1020);
}

/** The id of an error in the log of Vonage. */
function instanceOf(code: number): string {
  return `simulated-${code}`;
}

/** Responds with the error of a status, or of a code with the status 422. */
export function refuse(response: Response, { status = 422, code }: { status?: number; code?: number }): void {
  response.status(status).json(errorBody(status, code));
}

/** Responds to errors of the validator and of the body parser in the format of Vonage. */
export const handleError: ErrorRequestHandler = (error, _request, response, _next) => {
  if (!(error instanceof OpenApiValidator.error.BadRequest)) {
    const { status = 500, message } = error;
    const own = status === 400 ? 422 : status;
    return void response.status(own).json(errorBody(own, undefined, message));
  }
  const [, code = 1020] =
    INVALID.find(([parameter]) => error.errors.some(({ path }) => parameter.test(path))) ?? [];
  response.status(422).json(errorBody(422, code, error.message));
};
