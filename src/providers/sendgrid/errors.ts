import { type CodeMeaning, meaning, meaningOfStatus } from '../http/code-meaning.ts';

/** An error of a response. SendGrid has no error codes. */
export interface SendGridError {
  /** The path of the field at fault; null if the error is about no field. */
  field: string | null;
  message: string;
}

/** The meaning of an error, with a code of this service. */
export interface ErrorMeaning extends CodeMeaning {
  code: string;
}

interface Rule {
  status: number;
  field?: RegExp;
  message?: RegExp;
  means: ErrorMeaning;
}

const named = (code: string, means: CodeMeaning): ErrorMeaning => ({ code, ...means });
const CONTENT = named('invalid_content', meaning('rejected', 'content_rejected'));

/**
 * Sources: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors (fields and messages);
 * https://www.twilio.com/docs/sendgrid/for-developers/sending-email/sender-identity (403). The first rule that applies counts.
 */
const RULES: readonly Rule[] = [
  {
    status: 400,
    field: /^personalizations\.\d+\.(?:to|cc|bcc)\b/,
    means: named('invalid_recipient', meaning('rejected', 'invalid_destination')),
  },
  {
    status: 400,
    field: /^(?:personalizations\.\d+\.)?from\b/,
    means: named('invalid_sender', meaning('rejected', 'sender_not_allowed')),
  },
  {
    status: 400,
    field: /^(?:personalizations\.\d+\.)?(?:subject|content|attachments|headers|reply_to)\b/,
    means: CONTENT,
  },
  { status: 413, means: named('message_too_large', meaning('rejected', 'content_rejected')) },
  {
    status: 401,
    message: /maximum credits exceeded/i,
    means: named('credits_exceeded', meaning('unavailable', 'account_problem', true)),
  },
  {
    status: 403,
    message: /verified sender identity/i,
    means: named('sender_not_verified', meaning('unavailable', 'sender_not_allowed', true)),
  },
];

/** The meaning of a response, by its errors first and its status second. */
export function meaningOf(
  status: number,
  errors: readonly SendGridError[],
): { error: SendGridError | null; means: ErrorMeaning } {
  for (const { status: of, field, message, means } of RULES) {
    if (of !== status) continue;
    const error = errors.find(
      (each) => (field?.test(each.field ?? '') ?? true) && (message?.test(each.message) ?? true),
    );
    if (error) return { error, means };
    if (!field && !message) return { error: null, means };
  }
  return { error: errors[0] ?? null, means: named(`http_${status}`, meaningOfStatus(status)) };
}

/** The errors in the body of a response; empty for any other body. */
export function errorsIn(json: unknown): SendGridError[] {
  const { errors } = (json ?? {}) as { errors?: unknown };
  return (Array.isArray(errors) ? errors.slice(0, 20) : []).flatMap((each: unknown) => {
    const { field, message } = (each ?? {}) as { field?: unknown; message?: unknown };
    if (typeof message !== 'string') return [];
    // The text "null" is in responses without a field.
    return [{ field: typeof field === 'string' && field !== 'null' ? field : null, message }];
  });
}
