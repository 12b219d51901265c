import { isMissingFunction } from '../db/functions.ts';
import { InvalidRequestError, UnavailableError } from '../errors.ts';
import { UnreadableMailError } from '../mail/read-mail.ts';
import { toStorable } from '../messaging/storable.ts';
import { truncate } from '../messaging/text.ts';
import type { Schema } from '../openapi/types.ts';

export type Reason = Schema<'QuarantineReason'>;

const MAX_DETAIL = 300;

/**
 * The reason why a webhook, or one of its effects, could not be processed. `isPermanent`: another attempt would fail in the same
 * way until the service or its configuration changes.
 */
export class WebhookFault extends Error {
  readonly reason: Reason;
  readonly isPermanent: boolean;

  constructor(reason: Reason, detail: string, options: ErrorOptions & { isPermanent?: boolean } = {}) {
    super(truncate(toStorable(detail), MAX_DETAIL), options);
    this.name = 'WebhookFault';
    this.reason = reason;
    this.isPermanent = options.isPermanent ?? true;
  }
}

/**
 * The fault of an effect that threw this error. A value that PostgreSQL cannot store and an email that cannot be read are permanent.
 * An unexpected error may be temporary, also a missing stored function, which the service installs again.
 *
 * @throws {UnavailableError} if the database is unavailable or the service is overloaded.
 */
export function faultOf(error: unknown): WebhookFault {
  if (error instanceof WebhookFault) return error;
  if (error instanceof UnreadableMailError)
    return new WebhookFault('unreadable_email', error.message, { cause: error });
  if (error instanceof InvalidRequestError) {
    const detail = error.faults.map(({ path, message }) => `${path} ${message}`).join('; ');
    return new WebhookFault('unstorable_text', detail, { cause: error });
  }
  if (error instanceof UnavailableError && !isMissingFunction(error)) throw error;
  const { message } = error as Error;
  return new WebhookFault('internal_error', `${message}`, { cause: error, isPermanent: false });
}
