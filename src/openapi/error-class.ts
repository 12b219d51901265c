import type { Schema } from './types.ts';

/** What a provider's error code means for the sender of a message. */
export type ErrorClass =
  | 'invalid_destination'
  | 'unreachable'
  | 'blocked_by_carrier'
  | 'opted_out'
  | 'sender_not_allowed'
  | 'content_rejected'
  | 'expired'
  | 'rate_limited'
  | 'account_problem'
  | 'provider_error';

/** An error as it is stored; errors that this service causes have no class and no page. */
export interface StoredError {
  code: string;
  detail: string | null;
  class?: ErrorClass;
  url?: string | null;
}

/** The classes of the codes of this service. */
const OWN_CODES = new Map<string, ErrorClass>([
  ['expired', 'expired'],
  ['recipient_suppressed', 'opted_out'],
  ['erased', 'opted_out'],
  ['provider_removed', 'account_problem'],
]);

export function classOf({ code, class: errorClass }: StoredError): ErrorClass {
  return errorClass ?? OWN_CODES.get(code) ?? 'provider_error';
}

export function presentError(error: StoredError | null): Schema<'MessageError'> | null {
  if (error === null) return null;
  const { code, detail, url = null } = error;
  return { code, detail, class: classOf(error), url };
}
