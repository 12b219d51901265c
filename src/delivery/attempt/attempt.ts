import type { Events } from '../../observability/events.ts';
import type { Capabilities } from '../../providers/capabilities.ts';
import type { CallContext, FailedOutcome, Provider, SendOutcome } from '../../providers/provider.ts';
import {
  CANNOT_RECONCILE,
  FAILED_DURING_CALL,
  KEY_EXPIRED,
  NOT_IDENTIFIED,
  suppressed,
  TIMES_NOT_READ,
  UNCHECKED,
} from '../accounts/not-called.ts';
import type { Claimed } from '../claim.ts';
import { emailOf } from './email.ts';
import type { CallFiles } from './file-contents.ts';
import type { ClaimCheck, Ledger } from './ledger.ts';
import { envelopeOf, hasRecipients, withoutRecipients } from './recipients.ts';
import type { UncertainCalls } from './uncertain-calls.ts';

const HOUR_MS = 60 * 60 * 1_000;
/** The clock of the provider may be another, and a call takes some time. */
const KEY_MARGIN_MS = 15 * 60 * 1_000;

export interface AttemptOptions {
  ledger: Pick<Ledger, 'checkUnsent' | 'mayContinue'>;
  /** The files of a message for its provider; the outcome of an attempt without a call if they could not be loaded. */
  filesOf: (provider: Provider, message: Claimed, signal: AbortSignal) => Promise<CallFiles | FailedOutcome>;
  /** The only candidate of a look-up that can be the message; null if there is none or several. */
  chooseCandidate: (
    account: string,
    message: Claimed,
    candidates: readonly string[],
  ) => Promise<string | null>;
  /** The times of the calls that may have sent the message; null if they cannot be read. */
  uncertainCalls: (message: Claimed) => Promise<UncertainCalls | null>;
  events: Pick<Events, 'failed'>;
}

/**
 * Sends a message to the recipients whom the ledger allows. If an earlier attempt may have succeeded and the provider does not
 * support idempotency keys, looks the message up first, so that the message is never sent twice. A message that expired, or
 * whose recipient is suppressed, or whose key is not valid any more, after such an attempt is only looked up.
 */
export async function attempt(
  provider: Provider,
  message: Claimed,
  check: ClaimCheck,
  context: CallContext,
  options: AttemptOptions,
): Promise<SendOutcome> {
  const expired = message.expires_at.getTime() <= Date.now();
  const { ledger, chooseCandidate, uncertainCalls } = options;
  if (!message.may_have_been_sent) return send(provider, message, check, context, options);
  const { lookUpLagMs = 0 } = provider;
  const needsTimes = provider.capabilities.idempotencyKeyHours !== undefined || lookUpLagMs > 0;
  const calls = needsTimes ? await uncertainCalls(message) : null;
  if (needsTimes && calls === null) return TIMES_NOT_READ;
  const isKeyValid = calls === null || isValidSince(calls.first, provider.capabilities);
  const mayRepeat = provider.capabilities.idempotencyKeys && !expired && !check.isSuppressed;
  if (mayRepeat && isKeyValid) return send(provider, message, check, context, options);
  const result = await provider.lookUp(message, context);
  if (result === 'inconclusive') return isKeyValid ? CANNOT_RECONCILE : KEY_EXPIRED;
  if ('failure' in result) return lookUpFailed(result.failure);
  if ('candidates' in result) {
    const chosen = await chooseCandidate(provider.name, message, result.candidates);
    return chosen === null ? NOT_IDENTIFIED : accepted(chosen);
  }
  if (result.found) return { ...accepted(result.providerMessageId), recipients: result.recipients ?? [] };
  if (calls !== null && lookUpLagMs > 0 && calls.last.getTime() > Date.now() - lookUpLagMs)
    return CANNOT_RECONCILE;
  if (expired) return EXPIRED;
  // The look-up took some time, and the recipients of the earlier attempt are certainly not reached.
  const current = await ledger.checkUnsent(message);
  return current === null ? UNCHECKED : send(provider, message, current, context, options);
}

/** Whether the idempotency key of a call is still valid at its provider, also at the end of another call. */
function isValidSince(call: Date, { idempotencyKeyHours }: Capabilities): boolean {
  if (idempotencyKeyHours === undefined) return true;
  return call.getTime() + idempotencyKeyHours * HOUR_MS - KEY_MARGIN_MS > Date.now();
}

const EXPIRED: SendOutcome = {
  ...{ outcome: 'rejected', httpStatus: null, class: 'expired', code: 'expired' },
  detail: 'The message expired; the provider did not receive it',
};

/** After the files were fetched for longer than this time, the ledger is read again. */
const MAX_CHECK_AGE_MS = 1_000;

async function send(
  provider: Provider,
  message: Claimed,
  check: ClaimCheck,
  context: CallContext,
  { filesOf, ledger, events }: Pick<AttemptOptions, 'filesOf' | 'ledger' | 'events'>,
): Promise<SendOutcome> {
  const allowed = withoutRecipients(message, check.leftOut);
  if (allowed === null || !hasRecipients(message, check)) return suppressed(check.detail);
  const startedAt = performance.now();
  const loaded = await filesOf(provider, message, context.signal);
  if ('outcome' in loaded) return loaded;
  using files = loaded;
  const isOld = performance.now() - startedAt > MAX_CHECK_AGE_MS;
  if (isOld && !(await ledger.mayContinue(message))) return UNCHECKED;
  const email = message.type === 'email' ? emailOf(allowed, envelopeOf(message, check)) : null;
  try {
    return await provider.send({ ...allowed, files: files.files, email }, context);
  } catch (error) {
    events.failed('call', error);
    return FAILED_DURING_CALL;
  }
}

/** Whether the earlier attempt was accepted is as unknown as before. */
function lookUpFailed({ httpStatus, class: errorClass, code, detail }: FailedOutcome): SendOutcome {
  return {
    ...{ outcome: 'unknown', isLookUpFailure: true, httpStatus, class: errorClass, code },
    detail: `An earlier attempt may have succeeded; the look-up failed: ${detail}`,
  };
}

function accepted(providerMessageId: string) {
  return { outcome: 'accepted', httpStatus: null, providerMessageId } as const;
}
