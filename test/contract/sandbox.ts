import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { States } from './verify.ts';

/** The interactions of the contract, by the response that the contract requires. */
export type Case =
  | 'accepted'
  | 'wrong key'
  | 'refused'
  | 'throttled'
  | 'unavailable'
  | 'found'
  | 'not found'
  | 'no look-up';

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  /** A string is sent unchanged, any other value as JSON. */
  body?: unknown;
  /** Sends the headers and a part of the body only. */
  unfinished?: boolean;
}

/** The provider sends no response. */
export type Misbehaviour = 'hangs' | 'resets';
export type Answers = Record<Case, Answer | Misbehaviour>;

const json = { 'content-type': 'application/json' };

/** The responses of a provider that meets contracts/README.md. */
export const RIGHT: Record<Case, Answer> = {
  accepted: { status: 202, headers: json, body: { id: 'm-1' } },
  'wrong key': { status: 401 },
  refused: { status: 400, headers: json, body: { error: { code: 'invalid_recipient' } } },
  throttled: { status: 429, headers: { 'retry-after': '30' } },
  unavailable: { status: 503 },
  found: { status: 200, headers: json, body: { data: [{ id: 'm-1' }] } },
  'not found': { status: 200, headers: json, body: { data: [] } },
  'no look-up': { status: 501 },
};

const SEND_STATES: Record<string, Case> = {
  'a recipient is refused': 'refused',
  'the provider throttles requests': 'throttled',
  'the provider is unavailable': 'unavailable',
};
const LOOK_UP_STATES: Record<string, Case> = {
  'a message was accepted': 'found',
  'there is no look-up': 'no look-up',
};

/** Starts a provider with `answers` in place of the correct responses, and with the set-up of each state. */
export async function startSandbox(answers: Partial<Answers>) {
  let state = '';
  const server = createServer(async (request, response) => {
    await buffer(request);
    if (request.method === 'HEAD') return void response.end();
    const asked = caseOf(request, state);
    act({ ...RIGHT, ...answers }[asked], request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const states: States = Object.fromEntries(
    Object.keys({ ...SEND_STATES, ...LOOK_UP_STATES }).map((name) => [
      name,
      {
        setUp: async () => {
          state = name;
          return { recipient: '+18045550009' };
        },
        cleanUp: async () => {
          state = '';
        },
      },
    ]),
  );
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    states,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function caseOf({ method, headers }: IncomingMessage, state: string): Case {
  if (headers.authorization === 'Bearer wrong-key') return 'wrong key';
  if (method === 'GET') return LOOK_UP_STATES[state] ?? 'not found';
  return SEND_STATES[state] ?? 'accepted';
}

function act(answer: Answer | Misbehaviour, { socket }: IncomingMessage, response: ServerResponse): void {
  if (answer === 'hangs') return;
  if (answer === 'resets') {
    socket.resetAndDestroy();
    return;
  }
  const { status, headers, body, unfinished } = answer;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, headers);
  if (unfinished) response.write(text?.slice(0, 5));
  else response.end(text);
}
