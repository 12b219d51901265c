import type { Phase } from './reply.ts';

/** An error of nodemailer's connection. */
export interface SmtpError extends Error {
  code?: string;
  /** The code of the system or of TLS, such as `ECONNREFUSED`. */
  originalCode?: string;
  /** The reply of the server. */
  response?: string;
  command?: string;
  /** The recipient whom the server refused. */
  recipient?: string;
  rejectedErrors?: SmtpError[];
}

/** A failure of a session. */
export class SessionError extends Error {
  /** The step that failed. */
  readonly phase: Phase;
  /** Whether the server may have the whole message: the final dot may have been sent. */
  readonly mayBeComplete: boolean;
  override readonly cause: SmtpError;

  constructor(phase: Phase, mayBeComplete: boolean, cause: SmtpError) {
    super(cause.message, { cause });
    this.phase = phase;
    this.mayBeComplete = mayBeComplete;
    this.cause = cause;
  }
}

export function lost(): SmtpError {
  return Object.assign(new Error('The connection was lost'), { code: 'ECONNECTION' });
}

/** The step that an error of a transaction ended. */
export function phaseOf({ command, code }: SmtpError, mayBeComplete: boolean): Phase {
  if (mayBeComplete || command === 'DATA') return 'data';
  if (command === 'RCPT TO') return 'rcpt';
  return command === 'MAIL FROM' || code === 'EENVELOPE' ? 'mail' : 'connect';
}
