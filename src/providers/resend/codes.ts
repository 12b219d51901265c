import {
  CONTENT,
  type CodeMeaning,
  OPERATOR,
  REQUEST,
  SENDER,
  THROTTLED,
  UNKNOWN,
} from '../http/code-meaning.ts';

/**
 * The names of errors. A quota ends after a day or a month, so that the message fails over. `validation_error` has several
 * meanings, by its status.
 * Source: https://resend.com/docs/api-reference/errors
 */
const MEANINGS = new Map(
  Object.entries<CodeMeaning>({
    rate_limit_exceeded: THROTTLED,
    daily_quota_exceeded: OPERATOR,
    monthly_quota_exceeded: OPERATOR,

    missing_api_key: OPERATOR,
    restricted_api_key: OPERATOR,
    invalid_api_key: OPERATOR,
    not_found: OPERATOR,
    method_not_allowed: OPERATOR,
    invalid_access: OPERATOR,
    invalid_region: OPERATOR,
    invalid_from_address: SENDER,

    invalid_idempotency_key: REQUEST,
    // If an earlier request with the key may have been accepted, `ProviderClient.send` makes every 409 `unknown`.
    invalid_idempotent_request: REQUEST,
    missing_required_field: REQUEST,
    missing_required_fields: REQUEST,
    invalid_parameter: REQUEST,
    invalid_attachment: CONTENT,
    security_error: CONTENT,

    // An earlier request with the key is still being processed.
    concurrent_idempotent_requests: UNKNOWN,
    application_error: UNKNOWN,
    internal_server_error: UNKNOWN,
  }),
);

const VALIDATION = 'validation_error';

/** The name of an error; null for any other value. */
export function readErrorName(value: unknown): string | null {
  return typeof value === 'string' && /^[a-z_]{1,64}$/.test(value) ? value : null;
}

/** @returns null for a name that this service does not know. */
export function meaningOfName(name: string, status: number, message: string): CodeMeaning | null {
  if (name !== VALIDATION) return MEANINGS.get(name) ?? null;
  // 403: the domain is not verified, or the account may send to its owner only.
  if (status === 403) return SENDER;
  return status === 401 || /\bAPI key\b/i.test(message) ? OPERATOR : REQUEST;
}
