import type { ReceiptRecorder, StoredReceipt } from '../delivery/receipts.ts';
import type { AddressParser } from '../messaging/address.ts';
import { inboundMessage } from '../messaging/recording/inbound.ts';
import { readReceipt } from '../messaging/recording/inbound-receipt.ts';
import type { NewMessage, Recorded } from '../messaging/recording/new-message.ts';
import type { Recorder } from '../messaging/recording/record.ts';
import type { Reserve } from '../openapi/types.ts';
import type { Provider } from '../providers/provider.ts';
import type { InboundContent, OptOutContent, ReceiptContent } from '../providers/webhook.ts';
import type { OptOutRecorder } from './opt-outs.ts';

/** The effects of webhooks. Each resolves after its commit, and a repeated effect changes nothing. */
export interface Effects {
  /** @param check throws if the message must not be recorded. */
  recordMessage(
    provider: Provider,
    content: InboundContent,
    reserve: Reserve,
    check?: (message: NewMessage) => void,
  ): Promise<Recorded['message']>;
  recordReceipt(provider: Provider, content: ReceiptContent): Promise<StoredReceipt>;
  recordOptOut(provider: Provider, content: OptOutContent): Promise<void>;
}

export interface EffectsOptions {
  parseAddress: AddressParser;
  recorder: Recorder;
  receipts: ReceiptRecorder;
  recordOptOut: OptOutRecorder;
}

export function createEffects({ parseAddress, recorder, receipts, recordOptOut }: EffectsOptions): Effects {
  return {
    recordMessage: async ({ channel, name }, content, reserve, check) => {
      const message = inboundMessage(parseAddress, channel, name, content);
      check?.(message);
      return (await recorder.record(message, reserve)).message;
    },
    recordReceipt: async ({ name }, content) => receipts.record(readReceipt(parseAddress, name, content)),
    recordOptOut: ({ name, channel }, content) => recordOptOut(name, channel, content),
  };
}
