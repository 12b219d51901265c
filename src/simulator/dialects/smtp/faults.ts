/** The step of an SMTP session that a fault affects. `body`: the data before the final dot; `end`: after the final dot. */
export type SmtpPhase = 'greeting' | 'auth' | 'mail' | 'rcpt' | 'data' | 'body' | 'end';

/** A failure of the mail server: one of `reply`, `cut` and `silent`. */
export interface SmtpFault {
  type: 'smtp';
  phase: SmtpPhase;
  /** The reply instead of the success: three digits and a text, such as `450 4.2.0 Try again later`. */
  reply?: string;
  /** Whether the server closes the connection without a reply. */
  cut?: true;
  /** Whether the server never replies. */
  silent?: true;
  /** At the `end`: whether the server accepts the message nevertheless. */
  accepted?: true;
}

/** The reply of a fault as an error of smtp-server. */
export function replyError(reply: string): Error & { responseCode: number } {
  return Object.assign(new Error(reply.slice(4)), { responseCode: Number(reply.slice(0, 3)) });
}
