import { createServer, type RequestListener } from 'node:http';

import type { Socket } from 'node:net';
import type { AccountConfig } from '../../src/config/config.ts';
import type { Outgoing, OutgoingFile } from '../../src/providers/outgoing.ts';
import type { CallContext, Provider, SendOutcome } from '../../src/providers/provider.ts';
import type { StandardSettings } from '../../src/providers/standard/config.ts';
import { createStandardProvider } from '../../src/providers/standard/send.ts';
import { listen } from './listen.ts';

export interface ProviderServer {
  url: string;
  stop(): Promise<void>;
}

/** Starts an HTTP server in the role of a provider. */
export async function startProviderServer(listener: RequestListener): Promise<ProviderServer> {
  const sockets = new Set<Socket>();
  const server = createServer(listener).on('connection', (socket) => {
    sockets.add(socket.on('error', () => undefined));
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface ClientSettings {
  timeoutMs?: number;
  supportsIdempotencyKeys?: boolean;
}

/** The configuration of an SMS account of the kind `standard`. */
export function standardAccount(
  url: string,
  settings: Partial<StandardSettings> = {},
): AccountConfig<StandardSettings> {
  return {
    ...{ name: 'text-co', channel: 'sms', kind: 'standard', simulated: false, warnings: [] },
    ...{ perSecond: null, perSecondPerSender: null, senders: null, consentReplies: null },
    settings: {
      ...{ url, key: 'provider-key', webhookSecrets: [], supportsIdempotencyKeys: true, canLookUp: true },
      ...settings,
    },
  };
}

export function providerAt(
  url: string,
  { timeoutMs = 20_000, supportsIdempotencyKeys = true }: ClientSettings = {},
): Provider {
  return createStandardProvider(standardAccount(url, { supportsIdempotencyKeys }), timeoutMs);
}

export function callContext(context: Partial<CallContext> = {}): CallContext {
  return {
    once: true,
    mayHaveBeenAccepted: false,
    webhookUrl: null,
    mayContinue: async () => true,
    signal: new AbortController().signal,
    ...context,
  };
}

/** Files of which only the URLs are known. */
export function filesAt(...urls: string[]): OutgoingFile[] {
  return urls.map((url) => ({
    ...{ url, contentType: null, size: null, name: null, contentId: null, content: null },
  }));
}

export const outgoing: Outgoing = {
  ...{
    id: 1,
    delivery_key: 'key',
    type: 'sms',
    from: '+12016661234',
    to: ['+18045551234'],
    cc: null,
    bcc: null,
  },
  ...{
    reply_to: null,
    subject: null,
    body: 'Hello!',
    files: [],
    email: null,
    timestamp: new Date(0),
    created_at: new Date(0),
  },
};

/** One send without repeats, unless the context allows them. */
export function sendTo(
  url: string,
  context: Partial<CallContext> = {},
  settings: ClientSettings = {},
): Promise<SendOutcome> {
  return providerAt(url, settings).send(outgoing, callContext(context));
}
