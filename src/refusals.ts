import { type Fault, type NoAccount, ServiceError } from './errors.ts';
import type { Schema } from './openapi/types.ts';

type Refusal = NoAccount | 'recipient_suppressed' | 'country_not_allowed';

/** A valid message must not or cannot be sent. `faults` names the parts of the request that are the reason. */
export abstract class RefusedMessageError extends ServiceError {
  readonly faults: Fault[];

  constructor(code: Refusal, message: string, faults: Fault[]) {
    super(code, message);
    this.faults = faults;
  }
}

/** No account of the channel has the sender of a message and every capability that the message needs. */
export class NoAccountError extends RefusedMessageError {
  declare readonly code: NoAccount;
}

/** Recipients of a message are suppressed; lists each of them, and the entries of the ledger that stop the message. */
export class RecipientSuppressedError extends RefusedMessageError {
  readonly suppressions: Schema<'Suppression'>[];

  constructor(faults: Fault[], suppressions: Schema<'Suppression'>[]) {
    super('recipient_suppressed', `${recipients(faults)} suppressed.`, faults);
    this.suppressions = suppressions;
  }
}

/** A text has recipients outside the allowed countries; lists each of them. */
export class CountryNotAllowedError extends RefusedMessageError {
  constructor(faults: Fault[]) {
    super('country_not_allowed', `${recipients(faults)} outside the countries of ALLOWED_COUNTRIES.`, faults);
  }
}

function recipients({ length }: Fault[]): string {
  return length === 1 ? '1 recipient is' : `${length} recipients are`;
}
