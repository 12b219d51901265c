import { notComposed } from '../email/mime.ts';
import { isOfConfiguration, toStorable } from '../http/failure.ts';
import type { FailedOutcome, RefusedRecipient } from '../provider.ts';
import { codeOf, meaningOfReply, readReply } from './reply.ts';
import { SessionError, type SmtpError } from './session-error.ts';

const LOST = 'The connection was lost';

/** The outcome of a message that the server did not accept, or of which that is not known. */
export function outcomeOf(error: unknown): FailedOutcome {
  if (!(error instanceof SessionError)) return notComposed(error);
  const { phase, mayBeComplete, cause } = error;
  const reply = readReply(cause.response ?? '');
  // After the final dot, only the reply to the message says what became of it.
  if (reply !== null && (!mayBeComplete || cause.code === 'EMESSAGE')) {
    const { outcome, class: errorClass, isOperatorError } = meaningOfReply(phase, reply);
    const failure = { ...failureOf(codeOf(reply), reply.text), class: errorClass };
    if (outcome === 'unavailable') return { ...failure, outcome, retryAfterMs: null, isOperatorError };
    return outcome === 'rejected' ? { ...failure, outcome } : { ...failure, outcome: 'unknown' };
  }
  const code = (cause.originalCode ?? cause.code ?? 'smtp_error').toLowerCase();
  if (mayBeComplete) {
    const detail = `${isLoss(code) ? LOST : cause.message} after the final dot`;
    return {
      ...failureOf('connection_lost_after_data', detail),
      class: 'provider_error',
      outcome: 'unknown',
    };
  }
  return withoutReply(cause, code);
}

/** The server has not got the whole message, and has not refused it: a session that ended, or a check before the message. */
function withoutReply(cause: SmtpError, code: string): FailedOutcome {
  const isOwnCheck = cause.response === undefined;
  if (code === 'emessage' && isOwnCheck)
    return {
      ...failureOf('message_too_large', cause.message),
      class: 'content_rejected',
      outcome: 'rejected',
    };
  if (code === 'eenvelope' && isOwnCheck)
    return {
      ...failureOf('invalid_address', cause.message),
      class: 'invalid_destination',
      outcome: 'rejected',
    };
  const isOperatorError = isOfConfiguration(code) || code === 'eauth' || code === 'etls';
  return {
    ...failureOf(code, cause.message),
    ...{ class: isOperatorError ? 'account_problem' : 'provider_error', outcome: 'unavailable' },
    ...{ retryAfterMs: null, isOperatorError },
  };
}

/** The recipients whom the server refused, after it accepted the message for others. */
export function refusedRecipients(errors: readonly SmtpError[]): RefusedRecipient[] {
  return errors.map(({ recipient: address = '', response = '' }) => {
    const reply = readReply(response);
    const { outcome, class: errorClass } = reply
      ? meaningOfReply('rcpt', reply)
      : { outcome: 'unavailable', class: 'provider_error' as const };
    return {
      ...failureOf(reply === null ? 'smtp_error' : codeOf(reply), response),
      ...{ address, class: errorClass, outcome: outcome === 'rejected' ? 'rejected' : 'unavailable' },
    };
  });
}

/** Outcome without a session: all sessions of this account are busy. */
export const BUSY: FailedOutcome = {
  ...failureOf('connections_busy', 'All connections of this account are busy'),
  ...{ class: 'rate_limited', outcome: 'throttled', retryAfterMs: null },
};

/** Outcome without a session: the server has no SMTPUTF8. */
export function needsUtf8(address: string): FailedOutcome {
  return {
    ...failureOf('smtputf8_not_supported', `The server does not support SMTPUTF8, which ${address} requires`),
    ...{ class: 'invalid_destination', outcome: 'rejected' },
  };
}

/** Whether a call may repeat its message at once, on a new connection: the server has certainly not got it. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof SessionError) || error.mayBeComplete) return false;
  const { response, originalCode, code } = error.cause;
  return response === undefined && isLoss((originalCode ?? code ?? '').toLowerCase());
}

function isLoss(code: string): boolean {
  return ['econnection', 'econnreset', 'econnrefused', 'epipe', 'esocket'].includes(code);
}

function failureOf(code: string, detail: string) {
  return { httpStatus: null, code: code.replaceAll('.', '_'), detail: toStorable(detail) };
}
