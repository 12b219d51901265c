import type { Capabilities } from './capabilities.ts';
import { hasFileCapabilitiesOf, missingForFiles, pathOfFiles } from './file-capabilities.ts';
import type { Missing, Routable } from './routable.ts';

type Check = (capabilities: Capabilities, message: Routable) => Missing | null;

const CHECKS: readonly Check[] = [mms, recipients, copies, textLength, segments];

/** Every capability that a message needs and an account does not have. */
export function missingCapabilities(capabilities: Capabilities, message: Routable): Missing[] {
  return [
    ...CHECKS.flatMap((check) => check(capabilities, message) ?? []),
    ...missingForFiles(capabilities, message),
  ];
}

/** Whether an account with these capabilities can send every message that an account with the `other` capabilities can send. */
export function hasCapabilitiesOf(capabilities: Capabilities, other: Capabilities): boolean {
  return (
    (capabilities.mms || !other.mms) &&
    (capabilities.copies || !other.copies) &&
    (capabilities.attachmentsBy.length > 0 || other.attachmentsBy.length === 0) &&
    isAtLeast(capabilities.maxRecipients, other.maxRecipients) &&
    isAtLeast(capabilities.maxTextLength, other.maxTextLength) &&
    isAtLeast(capabilities.maxSegments, other.maxSegments) &&
    isAtLeast(capabilities.maxAttachments, other.maxAttachments) &&
    isAtLeast(capabilities.maxMediaBytes, other.maxMediaBytes) &&
    hasFileCapabilitiesOf(capabilities, other)
  );
}

/** Null is no limit. */
function isAtLeast(limit: number | null, other: number | null): boolean {
  return limit === null || (other !== null && limit >= other);
}

function mms(capabilities: Capabilities, message: Routable): Missing | null {
  if (message.type !== 'mms' || capabilities.mms) return null;
  return {
    path: pathOfFiles(message) ?? '/body/type',
    need: 'is an mms',
    limit: 'sends sms only',
    alternative: 'send an sms, or add an account of a kind with mms',
  };
}

function recipients({ maxRecipients }: Capabilities, { to, cc, bcc }: Routable): Missing | null {
  const count = to.length + (cc?.length ?? 0) + (bcc?.length ?? 0);
  if (maxRecipients === null || count <= maxRecipients) return null;
  return {
    path: '/body/to',
    need: `has ${count} recipients`,
    limit: maxRecipients === 1 ? 'sends no group messages' : `sends to at most ${maxRecipients} recipients`,
    alternative: 'send one message to each recipient, or add an account of a kind with group messages',
  };
}

function copies(capabilities: Capabilities, { cc, bcc }: Routable): Missing | null {
  if (capabilities.copies || (!cc && !bcc)) return null;
  return {
    path: cc ? '/body/cc' : '/body/bcc',
    need: 'has recipients of copies',
    limit: 'sends no copies',
    alternative: 'name every recipient in to, or add an account of a kind with copies',
  };
}

/** Characters are code points, as in the contract. */
function textLength({ maxTextLength }: Capabilities, { type, body }: Routable): Missing | null {
  if (maxTextLength === null || type === 'email' || body.length <= maxTextLength) return null;
  const { length } = [...body];
  if (length <= maxTextLength) return null;
  return {
    path: '/body/body',
    need: `has ${length} characters`,
    limit: `sends at most ${maxTextLength} characters`,
    alternative: 'send a shorter text',
  };
}

/** Of a text that `textLength` allows: with characters outside GSM-7, a segment has fewer characters. */
function segments(capabilities: Capabilities, message: Routable): Missing | null {
  const { maxSegments } = capabilities;
  if (maxSegments === null || (message.segments ?? 0) <= maxSegments) return null;
  if (textLength(capabilities, message) !== null) return null;
  return {
    path: '/body/body',
    need: `has ${message.segments} segments`,
    limit: `sends at most ${maxSegments} segments`,
    alternative: 'send a shorter text, or replace the characters outside GSM-7, which the preview names',
  };
}
