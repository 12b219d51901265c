import {
  CONTENT,
  type CodeMeaning,
  DESTINATION,
  OPERATOR,
  REQUEST,
  SENDER,
  THROTTLED,
  UNKNOWN,
} from '../http/code-meaning.ts';

/**
 * Error types of a send, and those of every AWS API. The type decides before the HTTP status: a throttled request has 400 or 429.
 * Sources: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors,
 * https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html
 */
const MEANINGS = new Map(
  Object.entries<CodeMeaning>({
    TooManyRequestsException: THROTTLED,
    ThrottlingException: THROTTLED,
    Throttling: THROTTLED,
    RequestThrottled: THROTTLED,

    AccountSuspendedException: OPERATOR,
    LimitExceededException: OPERATOR,
    SendingPausedException: OPERATOR,
    NotFoundException: OPERATOR,
    MailFromDomainNotVerifiedException: SENDER,

    // Of the signature, the credentials and the permissions. SES checks them before it reads the message.
    AccessDeniedException: OPERATOR,
    AccessDenied: OPERATOR,
    ExpiredTokenException: OPERATOR,
    ExpiredToken: OPERATOR,
    IncompleteSignature: OPERATOR,
    IncompleteSignatureException: OPERATOR,
    InvalidClientTokenId: OPERATOR,
    InvalidSignatureException: OPERATOR,
    MissingAuthenticationToken: OPERATOR,
    MissingAuthenticationTokenException: OPERATOR,
    NotAuthorized: OPERATOR,
    OptInRequired: OPERATOR,
    RequestExpired: OPERATOR,
    SignatureDoesNotMatch: OPERATOR,
    UnrecognizedClientException: OPERATOR,
    UnknownOperationException: OPERATOR,

    MessageRejected: CONTENT,
    BadRequestException: REQUEST,
    ValidationError: REQUEST,
    ValidationException: REQUEST,
    SerializationException: REQUEST,

    InternalFailure: UNKNOWN,
    InternalServiceErrorException: UNKNOWN,
    ServiceUnavailable: UNKNOWN,
    ServiceUnavailableException: UNKNOWN,
  }),
);

/** An identity that is not verified, or an account in the sandbox: the operator must act in SES. */
const NOT_VERIFIED = /not verified/i;

/**
 * The quota of 24 hours, which SES reports as throttling too: a short wait does not help.
 * Source: https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html
 */
const DAILY_QUOTA = /\bquota\b/i;

/** An address that SES cannot send to. */
const ILLEGAL_ADDRESS =
  /illegal address|final '@domain'|(?:domain|local address) (?:contains|starts|ends|is)\b/i;

/** The type of an error without its namespace and URL, such as `MessageRejected`; null for any other value. */
export function readErrorType(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const type = value.split(':', 1)[0]?.split('#').at(-1)?.trim() ?? '';
  return /^[A-Za-z][A-Za-z0-9]{0,63}$/.test(type) ? type : null;
}

/** @returns null for a type that this service does not know. */
export function meaningOfType(type: string, message: string): CodeMeaning | null {
  if (type === 'BadRequestException' && ILLEGAL_ADDRESS.test(message)) return DESTINATION;
  const known = MEANINGS.get(type) ?? null;
  if (known === THROTTLED && DAILY_QUOTA.test(message)) return OPERATOR;
  const isSender =
    (type === 'MessageRejected' || type === 'BadRequestException') && NOT_VERIFIED.test(message);
  return isSender ? SENDER : known;
}
