import type { StoredReceipt } from '../delivery/receipts.ts';
import type { Recorded } from '../messaging/recording/new-message.ts';
import type { Events } from '../observability/events.ts';
import type { Reserve } from '../openapi/types.ts';
import type { InboundContent, IncomingWebhook, OptOutContent, ReceiptContent } from '../providers/webhook.ts';
import type { WebhookAccount } from '../providers/webhook-account.ts';
import { checkAddresses, storable } from './checks.ts';
import type { Effects } from './effects.ts';
import { faultOf, WebhookFault } from './fault.ts';
import type { MailContent } from './mail/record-mail.ts';

/** The committed effects of a webhook, and the fault of the others; null if every effect is committed. */
export interface Processed {
  messages: Recorded['message'][];
  receipts: StoredReceipt[];
  fault: WebhookFault | null;
}

/**
 * Applies the effects of a verified webhook. An effect that fails does not prevent the others. Each effect is idempotent, so
 * that a redelivery or a replay applies all of them again.
 *
 * @throws {UnavailableError} if the database is unavailable or the service is overloaded; some effects may be committed.
 */
export type ProcessWebhook = (
  provider: WebhookAccount,
  webhook: IncomingWebhook,
  reserve: Reserve,
) => Promise<Processed>;

/** Creates the function that processes webhooks for the route, the worker and replays. */
export function createProcessing(effects: Effects, events: Events): ProcessWebhook {
  const toFault = (error: unknown) => {
    const fault = faultOf(error);
    if (!fault.isPermanent) events.failed('webhook', fault.cause);
    return fault;
  };
  return async (provider, webhook, reserve) => {
    const processed: Processed = { messages: [], receipts: [], fault: null };
    const apply = async <T>(effect: () => Promise<T>): Promise<T[]> => {
      try {
        return [await effect()];
      } catch (error) {
        processed.fault = mostTemporary(processed.fault, toFault(error));
        return [];
      }
    };
    const [content] = await apply(() => parse(provider, webhook));
    if (!content) return processed;
    if (content.notice !== undefined)
      events.webhookNotice({ account: provider.name, notice: content.notice });
    const replaced = new Set<OptOutContent | undefined>();
    const firstIds = new Map<string, string>();
    const withFirstId = <T extends { providerMessageId: string }>(part: T): T => ({
      ...part,
      providerMessageId: firstIds.get(part.providerMessageId) ?? part.providerMessageId,
    });
    for (const message of content.messages) {
      if (isMail(message)) {
        const [recorded] = await apply(() => effects.recordMail(provider.name, message, reserve));
        if (recorded) processed.messages.push(recorded.message);
        processed.receipts.push(...(recorded?.receipts ?? []));
        continue;
      }
      const reported = content.optOuts.find((each) => each.providerMessageId === message.providerMessageId);
      const record = async () => {
        const read = storable(message);
        firstIds.set(message.providerMessageId, await effects.firstIdOf(provider, read));
        return effects.recordMessage(provider, withFirstId(read), reserve, {
          reported: reported && withFirstId(storable(reported)),
          check: (checked) => checkAddresses(checked, message),
        });
      };
      const [recorded] = await apply(record);
      if (recorded) processed.messages.push(recorded.message);
      if (recorded?.replacesReport) replaced.add(reported);
      // A message in the quarantine may wait for days.
      const stop = !recorded && processed.fault?.isPermanent ? effects.stopIn(provider, message) : null;
      if (stop) await apply(async () => effects.recordOptOut(provider, withFirstId(stop)));
    }
    const receipts: ReceiptContent[] = [];
    for (const receipt of content.receipts) receipts.push(...(await apply(async () => storable(receipt))));
    const [first, ...others] = receipts;
    if (first && others.length === 0)
      processed.receipts.push(...(await apply(() => effects.recordReceipt(provider, first))));
    if (others.length > 0)
      for (const result of (await apply(() => effects.recordReceipts(provider, receipts))).flat()) {
        if (!(result instanceof Error)) processed.receipts.push(result);
        else processed.fault = mostTemporary(processed.fault, toFault(result));
      }
    for (const optOut of content.optOuts)
      if (!replaced.has(optOut))
        await apply(async () => effects.recordOptOut(provider, withFirstId(storable(optOut))));
    return processed;
  };
}

function isMail(message: InboundContent): message is MailContent {
  return message.mail !== undefined;
}

async function parse(provider: WebhookAccount, webhook: IncomingWebhook) {
  const content = await provider.parse(webhook);
  if (content !== null) return content;
  throw new WebhookFault('unknown_shape', 'The webhook has no form that the kind of the account knows.');
}

/** A fault that may be temporary comes first, because another attempt can commit its effect. */
function mostTemporary(first: WebhookFault | null, second: WebhookFault): WebhookFault {
  return first === null || (first.isPermanent && !second.isPermanent) ? second : first;
}
