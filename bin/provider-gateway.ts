import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface GatewayOptions {
  /** The base URL of the provider's API, without a trailing slash. */
  url: string;
  /** The provider's URL for states; undefined if the provider has none. */
  statesUrl: string | undefined;
  /** Changes the headers of a request to the provider. */
  setHeaders: (headers: Headers) => void;
  /** Milliseconds for each request. */
  timeoutMs: number;
  /** Called with each fault immediately, because Pact prints nothing until an interaction ends. */
  onFault: (fault: string) => void;
}

export interface Gateway {
  /** `url` and `statesUrl` are for Pact, instead of the provider's URL and its URL for states. */
  url: string;
  statesUrl: string;
  /** Requests without a response that Pact can compare. */
  faults: string[];
  stop(): void;
}

interface Result {
  status: number;
  headers?: Headers | Record<string, string>;
  body: string | Buffer;
}

/** The maximum length of a response that the service reads (contracts/README.md). */
const MAX_BODY_BYTES = 64 * 1_024;
const STATES_PATH = '/_pact-states';
/** A status that no interaction expects and after which Pact does not repeat the request. */
const FAULT_STATUS = 418;
/** Headers of the connection (RFC 9110, section 7.6.1) and headers that `fetch` sets or decodes itself. */
const CONNECTION_HEADERS = [
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['host', 'content-length', 'content-encoding', 'expect', 'accept-encoding'],
];

/**
 * Starts a server between Pact and the provider. Pact alone repeats failed requests for minutes without output, reports
 * its own address when a provider does not respond, and calls the URL for states with an empty state.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const faults: string[] = [];
  const report = (fault: string): Result => {
    faults.push(fault);
    options.onFault(fault);
    return { status: FAULT_STATUS, body: fault };
  };
  const server = createServer(async (request, response) => {
    const forward = request.url === STATES_PATH ? toStates : toProvider;
    const body = await buffer(request);
    const result = await forward(options, request, body).catch((error: Error) => report(error.message));
    send(response, result);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url, statesUrl: url + STATES_PATH, faults, stop };
}

async function toProvider(
  { url, setHeaders, timeoutMs }: GatewayOptions,
  { method = 'GET', url: path, headers: given }: IncomingMessage,
  body: Buffer,
): Promise<Result> {
  const headers = new Headers(withoutConnection(Object.entries(given) as [string, string][]));
  setHeaders(headers);
  const init = { method, headers, ...(body.length > 0 && { body }) };
  const { response, body: content } = await request(url + path, init, timeoutMs);
  return {
    status: response.status,
    headers: new Headers(withoutConnection([...response.headers])),
    body: content,
  };
}

/** Pact calls the URL for states also for interactions without a state; the gateway itself responds to these calls. */
async function toStates(
  { statesUrl, timeoutMs }: GatewayOptions,
  _request: IncomingMessage,
  body: Buffer,
): Promise<Result> {
  const { state, action } = JSON.parse(String(body)) as { state: string; action: string };
  if (!state || !statesUrl) return { status: 200, body: '{}' };
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
  const { response, body: content } = await request(statesUrl, init, timeoutMs);
  const change = `${action} of the state "${state}"`;
  if (!response.ok) throw new Error(`POST ${statesUrl}: returned ${response.status} for the ${change}`);
  const values = parse(content);
  if (values === null) throw new Error(`POST ${statesUrl}: returned no JSON object for the ${change}`);
  if (state === 'a recipient is refused' && action === 'setup' && typeof values.recipient !== 'string')
    throw new Error(`POST ${statesUrl}: returned no text as "recipient" for the ${change}`);
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(values) };
}

/** @throws {Error} with the URL: there is no response within the time limit, or the response is too long. */
async function request(url: string, init: RequestInit, timeoutMs: number) {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, { ...init, redirect: 'manual', signal });
    return { response, body: await read(response) };
  } catch (error) {
    const { message, cause } = error as Error & { cause?: Error };
    const reason = signal.aborted ? `no response within ${timeoutMs} ms` : (cause?.message ?? message);
    throw new Error(`${init.method} ${url}: ${reason}`, { cause: error });
  }
}

async function read(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw new Error(`the response is longer than ${MAX_BODY_BYTES / 1_024} KiB`);
  }
  return Buffer.concat(chunks);
}

function parse(content: Buffer): Record<string, unknown> | null {
  try {
    const value = JSON.parse(String(content));
    return typeof value === 'object' && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function withoutConnection(headers: [name: string, value: string][]): [string, string][] {
  return headers.filter(([name]) => !CONNECTION_HEADERS.includes(name));
}

function send(response: ServerResponse, { status, headers = {}, body }: Result): void {
  response.statusCode = status;
  response.setHeaders(new Headers(headers));
  response.end(body);
}
