import {
  type Call,
  FEATURES,
  type Mode,
  mayStayUnknown,
  modeOf,
  namesMessages,
  type StoredMessage,
  tokenIn,
} from '../evidence.ts';
import { type Facts, processingPeriod, wasInterrupted } from '../facts.ts';
import { checkEach, type Rule } from './rule.ts';

/** The faults after which the service cannot determine whether the provider accepted the message. */
const UNCERTAIN = new Set(['lost_response', 'malformed', 'timeout', 'reset', 'latency', 'no_id']);
/** The only server error after which the message was certainly not accepted; these providers guarantee this for none. */
const NOT_PROCESSED = 503;
const WITHOUT_GUARANTEE: ReadonlySet<Mode | undefined> = new Set(['telnyx', 'vonage', 'sendgrid', 'resend']);
/** Max time of the reply to the data of an email, as a multiple of the timeout. */
const SMTP_TIMEOUTS = 5;

/**
 * A message is `unknown` if the provider fails for its recipient until it expires; or if the provider supports neither
 * idempotency keys nor look-up, and a call had an uncertain result. A provider with keys only is not called again for a suppressed
 * recipient. At a provider that names the message in its callbacks, every message
 * needs such a call. If the provider accepted the message, all of its callbacks were lost too, and no look-up could find it.
 */
export const unknownHasReason: Rule = (facts) =>
  checkEach(
    facts.stored.messages.filter(({ status }) => status === 'unknown'),
    (message) => {
      const token = tokenIn(message.body) ?? '';
      const named = `${token}: message ${message.id} is unknown`;
      const mode = modeOf(facts, message);
      const { failing, stopped } = facts.sentByToken.get(token) ?? {};
      if (failing && (mode === undefined || FEATURES[mode].idempotencyKeys || !namesMessages(mode)))
        return null;
      const isStopped = stopped === true && mode !== undefined && FEATURES[mode].lookUp === false;
      if (!mayStayUnknown(mode) && !isStopped) return `${named}, although its provider can be asked`;
      if (!wasUncertain(facts, message, mode)) return `${named}, although each of its calls had a response`;
      return namesMessages(mode) && evidenceOfAcceptance(facts, message, token, named);
    },
  );

function wasUncertain(facts: Facts, { id, delivery_key }: StoredMessage, mode: Mode | undefined): boolean {
  const calls = facts.callsOf.get(delivery_key ?? '') ?? [];
  // On a busy machine a response can be too late without a fault.
  const attempts = facts.attemptsOf.get(id) ?? [];
  const limitMs = (mode === 'smtp' ? SMTP_TIMEOUTS : 1) * facts.providerTimeoutMs;
  const late = attempts.some(({ duration_ms }) => (duration_ms ?? 0) >= limitMs);
  const { from, to } = processingPeriod(facts, id);
  return late || calls.some((call) => isUncertain(call, mode)) || wasInterrupted(facts, from, to);
}

function isUncertain({ fault, status }: Call, mode: Mode | undefined): boolean {
  if (mode === 'smtp') return status === null;
  if (status === null || UNCERTAIN.has(fault ?? '')) return true;
  return status >= 500 && (status !== NOT_PROCESSED || WITHOUT_GUARANTEE.has(mode));
}

/** Evidence that an accepted message reached the service, so that the message must not be unknown. */
function evidenceOfAcceptance(facts: Facts, message: StoredMessage, token: string, named: string) {
  const [accepted] = facts.acceptedByToken.get(token) ?? [];
  if (!accepted) return null;
  const reported = accepted.receipts.find(({ acknowledged }) => acknowledged > 0);
  if (reported) return `${named}, although its callback ${reported.status} was acknowledged`;
  const listedAt = Date.parse(accepted.accepted_at) + 1 + facts.listDelayMs;
  const lookUp = successfulLookUps(facts, message).find(({ at }) => at >= listedAt);
  return lookUp && `${named}, although the look-up at ${new Date(lookUp.at).toISOString()} could find it`;
}

/** The look-ups of a message whose response reached the service. */
function successfulLookUps(facts: Facts, { id, to }: StoredMessage): Call[] {
  const attempts = (facts.attemptsOf.get(id) ?? []).filter(
    ({ started_at, duration_ms }) =>
      duration_ms !== null &&
      duration_ms < facts.providerTimeoutMs &&
      !wasInterrupted(facts, started_at, started_at + duration_ms),
  );
  return (facts.lookUpsFor.get(to[0] ?? '') ?? []).filter(
    ({ at, status, fault }) =>
      status === 200 &&
      fault === null &&
      attempts.some(
        ({ started_at, duration_ms }) => at >= started_at && at <= started_at + (duration_ms ?? 0),
      ),
  );
}
