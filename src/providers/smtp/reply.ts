import type { ErrorClass } from '../../openapi/error-class.ts';
import { type CodeMeaning, meaning } from '../http/code-meaning.ts';

/** The step of a session that a reply answers. */
export type Phase = 'connect' | 'tls' | 'auth' | 'mail' | 'rcpt' | 'data';

export interface Reply {
  /** Three digits (RFC 5321, section 4.2). */
  code: number;
  /** The enhanced status code (RFC 3463), such as `5.1.1`; null if the reply has none. */
  enhanced: string | null;
  /** All lines of the reply. */
  text: string;
}

/** Of lines such as `550-5.1.1 The mailbox`; null for a text that is no reply. */
export function readReply(text: string): Reply | null {
  const [, code, enhanced] = /^([2-5]\d\d)(?:[ -](?:([245]\.\d{1,3}\.\d{1,3})(?=\s|$))?|$)/.exec(text) ?? [];
  return code === undefined ? null : { code: Number(code), enhanced: enhanced ?? null, text };
}

/** The code of an error: the enhanced status code says more than the reply code. */
export function codeOf({ code, enhanced }: Reply): string {
  return enhanced === null ? `smtp_${code}` : `smtp_${code}_${enhanced}`;
}

/** Credentials or TLS are missing or wrong (RFC 4954, section 6; RFC 3207), in any phase. */
const OPERATOR_CODES = new Set([530, 534, 535, 538]);
/** RFC 5321, section 4.2.2, of a message or mailbox over its limit. */
const EXCEEDED = 552;

/**
 * The meaning of a refusal. 4yz: the same message may be accepted later. 5yz of a recipient or of the data: the message is at fault.
 * 5yz before: the server refuses this client, or its sender, and every message fails until the operator acts.
 */
export function meaningOfReply(phase: Phase, { code, enhanced }: Reply): CodeMeaning {
  if (code >= 400 && code < 500) return meaning('unavailable', temporaryClass(enhanced));
  if (code < 400) return meaning(phase === 'data' ? 'unknown' : 'unavailable', 'provider_error');
  if (OPERATOR_CODES.has(code) || phase === 'connect' || phase === 'tls' || phase === 'auth')
    return meaning('unavailable', 'account_problem', true);
  if (phase === 'mail' && !isOfMessage(code, enhanced))
    return meaning('unavailable', 'sender_not_allowed', true);
  return meaning('rejected', permanentClass(phase, code, enhanced));
}

/** Whether a refusal after MAIL FROM is about the size of the message or its need of an extension (SMTPUTF8), and not about its sender. */
function isOfMessage(code: number, enhanced: string | null): boolean {
  return code === EXCEEDED || /^5\.(?:3\.4|2\.3|6\.\d+)$/.test(enhanced ?? '');
}

function temporaryClass(enhanced: string | null): ErrorClass {
  // 4.2.1 and 4.2.2: the mailbox is disabled or full; 4.4: the way to it.
  return /^4\.(?:2\.[12]|4\.\d+)$/.test(enhanced ?? '') ? 'unreachable' : 'provider_error';
}

/** By the subject of the enhanced status code (RFC 3463, section 3), or else by the phase. */
function permanentClass(phase: Phase, code: number, enhanced: string | null): ErrorClass {
  const [, subject, detail] = /^5\.(\d+)\.(\d+)$/.exec(enhanced ?? '') ?? [];
  if (subject === '1') return detail === '7' || detail === '8' ? 'sender_not_allowed' : 'invalid_destination';
  if (subject === '2') return detail === '3' ? 'content_rejected' : 'unreachable';
  if (subject === '3') return detail === '4' ? 'content_rejected' : 'provider_error';
  if (subject === '4') return 'unreachable';
  if (subject === '5') return 'provider_error';
  if (subject === '6') return 'content_rejected';
  if (subject === '7') return phase === 'data' ? 'content_rejected' : 'blocked_by_carrier';
  if (phase === 'rcpt') return code === EXCEEDED ? 'unreachable' : 'invalid_destination';
  return phase === 'data' && (code === EXCEEDED || code === 554) ? 'content_rejected' : 'provider_error';
}
