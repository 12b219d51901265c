import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { States } from './verify.ts';

/** The interactions of the contract, by what the sandbox has to answer to them. */
export type Case =
  | 'accepted'
  | 'wrong key'
  | 'refused'
  | 'throttled'
  | 'out of order'
  | 'found'
  | 'not found'
  | 'no look-up';

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  /** Text is sent as it is, everything else as JSON. */
  body?: unknown;
  /** Headers and a part of the body, and then nothing. */
  unfinished?: boolean;
}

/** What a provider does in place of an answer. */
export type Misbehaviour = 'hangs' | 'resets';
export type Answers = Record<Case, Answer | Misbehaviour>;

const json = { 'content-type': 'application/json' };

/** A provider that does all that contracts/README.md asks for. */
export const RIGHT: Record<Case, Answer> = {
  accepted: { status: 202, headers: json, body: { id: 'm-1' } },
  'wrong key': { status: 401 },
  refused: { status: 400, headers: json, body: { error: { code: 'invalid_recipient' } } },
  throttled: { status: 429, headers: { 'retry-after': '30' } },
  'out of order': { status: 503 },
  found: { status: 200, headers: json, body: { data: [{ id: 'm-1' }] } },
  'not found': { status: 200, headers: json, body: { data: [] } },
  'no look-up': { status: 501 },
};

const SEND_STATES: Record<string, Case> = {
  'a recipient is refused': 'refused',
  'the provider asks for less': 'throttled',
  'the provider is out of order': 'out of order',
};
const LOOK_UP_STATES: Record<string, Case> = {
  'a message was taken': 'found',
  'there is no look-up': 'no look-up',
};

/** A provider with these answers in place of the right ones, and how it comes to be in each state. */
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
