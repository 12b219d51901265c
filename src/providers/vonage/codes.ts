import {
  CONTENT,
  type CodeMeaning,
  DESTINATION,
  meaning,
  NOT_PROCESSED,
  OPERATOR,
  SENDER,
  THROTTLED,
  UNKNOWN,
} from '../http/code-meaning.ts';

const UNREACHABLE = meaning('rejected', 'unreachable');
const BLOCKED = meaning('rejected', 'blocked_by_carrier');

/** Source: https://developer.vonage.com/en/api-errors/messages */
const MEANINGS = new Map(
  Object.entries<CodeMeaning>({
    // The account exceeded its rate, or the limit of one recipient, so that the other messages need not wait.
    1000: THROTTLED,
    1241: meaning('unavailable', 'rate_limited'),
    // A communication failure, after which the message was not submitted.
    1100: NOT_PROCESSED,
    // The message may have been sent; 1320: it was sent before.
    1030: UNKNOWN,
    1320: UNKNOWN,
    1330: UNKNOWN,
    1331: UNKNOWN,

    // A barred account, credit, access to the API, a feature that is not enabled, and the destinations of a trial.
    1060: OPERATOR,
    1070: OPERATOR,
    1080: OPERATOR,
    1140: OPERATOR,
    1160: OPERATOR,
    1120: SENDER,
    1420: SENDER,

    // The recipient.
    1040: DESTINATION,
    1050: DESTINATION,
    1170: DESTINATION,
    1300: DESTINATION,
    1310: DESTINATION,
    1430: DESTINATION,
    1240: meaning('rejected', 'opted_out'),
    1180: UNREACHABLE,
    1190: UNREACHABLE,
    1200: UNREACHABLE,
    1220: UNREACHABLE,
    1230: UNREACHABLE,
    1250: UNREACHABLE,
    1260: UNREACHABLE,
    1290: UNREACHABLE,
    1210: BLOCKED,
    1270: BLOCKED,
    1280: BLOCKED,
    1360: meaning('rejected', 'expired'),

    // The content.
    1010: CONTENT,
    1020: CONTENT,
    1021: CONTENT,
    1022: CONTENT,
    1090: CONTENT,
    1130: CONTENT,
    1150: CONTENT,
    1340: CONTENT,
    1380: CONTENT,
    1381: CONTENT,
    1382: CONTENT,
    1440: CONTENT,
    1450: CONTENT,
  }),
);

/**
 * The code of an error: four digits, in a response the fragment of `type`, in a status webhook also the `title`. Null for any
 * other error, such as that of wrong credentials, whose fragment is a word.
 */
export function readErrorCode({ type, title }: { type?: unknown; title?: unknown }): string | null {
  const [, fragment] = /#(\d{4})$/.exec(typeof type === 'string' ? type : '') ?? [];
  const given = typeof title === 'number' ? String(title) : title;
  return fragment ?? (typeof given === 'string' && /^\d{4}$/.test(given) ? given : null);
}

/** @returns null for a code that this service does not know. */
export function meaningOfCode(code: string): CodeMeaning | null {
  return MEANINGS.get(code) ?? null;
}

/** The page of an error code. */
export function pageOfCode(code: string): string {
  return `https://developer.vonage.com/en/api-errors/messages#${code}`;
}
