import { createServer, type RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import type { CallOptions, SendOutcome } from '../../src/providers/provider.ts';
import { createProviderClient, type ProviderClient } from '../../src/providers/standard/client.ts';
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

export function clientOf(
  url: string,
  { timeoutMs = 20_000, supportsIdempotencyKeys = true }: ClientSettings = {},
): ProviderClient {
  return createProviderClient(
    {
      name: 'text-co',
      channel: 'sms',
      url,
      key: 'provider-key',
      webhookSecrets: [],
      supportsIdempotencyKeys,
      canLookUp: true,
      perSecond: null,
      perSecondPerSender: null,
      simulated: false,
    },
    timeoutMs,
  );
}

export function callOptions(options: Partial<CallOptions> = {}): CallOptions {
  return { once: true, repeated: false, signal: new AbortController().signal, ...options };
}

/** Sends one message, by default with one request at most. */
export function sendTo(
  url: string,
  options: Partial<CallOptions> = {},
  settings: ClientSettings = {},
): Promise<SendOutcome> {
  return clientOf(url, settings).post('sms/messages', 'key', callOptions(options), { body: 'Hello!' });
}
