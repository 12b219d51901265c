import { setTimeout as sleep } from 'node:timers/promises';
import type { Request, Response } from 'express';
import type { SmtpFault } from './dialects/smtp/faults.ts';
import { type FileFault, fileEffects } from './media/effects.ts';
import type { ProviderFile } from './media/files.ts';
import type { Channel, DialectName } from './settings.ts';

interface Condition {
  channel: Channel;
  /** Default: every dialect. */
  dialect?: DialectName;
  /** How many requests the fault affects; default: no limit. */
  times?: number;
  /** The probability that the fault affects a request, from 0 to 1; default: 1. */
  probability?: number;
  /** Default: `file` for the faults that only requests for files have, and `send` for the others. */
  applies_to?: 'send' | 'lookup' | 'file' | 'all';
  /** Affects only messages with a recipient whose address contains this text; a look-up has no recipient. */
  recipient?: string;
  /** Affects only requests for the file with this id. */
  file?: string;
}

/** A failure between a provider and its caller. */
export type Fault = Condition &
  (
    | {
        type: 'status';
        status: number;
        retry_after?: number;
        /** The error code in the body; default: the code of the dialect for the status. */
        code?: string | number;
        /** Whether the message is accepted nevertheless. */
        accepted?: boolean;
      }
    | { type: 'latency'; ms: number }
    | { type: 'timeout' }
    | { type: 'reset' }
    | { type: 'lost_response' }
    | { type: 'malformed' }
    | { type: 'no_id'; status?: number }
    | FileFault
    | SmtpFault
  );

/** The request that a fault affects, with the responses of its dialect. */
export interface Exchange {
  request: Request;
  response: Response;
  /** Processes the request as the provider would, without the response. */
  proceed: () => Promise<unknown> | undefined;
  errorBody: (status: number, code: string | number | undefined) => object;
  /** The status of the response to an accepted message. */
  acceptedStatus: number;
  /** The file that the request is for; undefined for any other request. */
  file?: ProviderFile;
}

type Of<Type> = Extract<Fault, { type: Type }>;
type Effect<Type> = (fault: Of<Type>, exchange: Exchange) => Promise<void> | void;

/** Each effect ends the exchange, except latency, after which the next fault follows. */
const effects: { [Type in Fault['type']]: Effect<Type> } = {
  status: async ({ status, retry_after, code, accepted }, { response, proceed, errorBody }) => {
    if (accepted) await proceed();
    if (retry_after !== undefined) response.set('retry-after', String(retry_after));
    response.status(status).json(errorBody(status, code));
  },
  latency: async ({ ms }) => {
    await sleep(ms, undefined, { ref: false });
  },
  timeout: () => undefined,
  reset: (_fault, { request }) => {
    request.socket.resetAndDestroy();
  },
  lost_response: async (_fault, { request, proceed }) => {
    await proceed();
    request.socket.destroy();
  },
  malformed: async (_fault, { response, proceed, acceptedStatus }) => {
    await proceed();
    response.status(acceptedStatus).type('json').send('{"id": ');
  },
  no_id: ({ status = 200 }, { response }) => {
    response.status(status).json({ status: 'queued' });
  },
  ...fileEffects,
  // Only sessions of the mail server have these faults.
  smtp: () => undefined,
};

/**
 * Applies faults one after another.
 *
 * @returns whether a fault ended the exchange; otherwise the provider processes the request as usual.
 */
export async function applyFaults(faults: readonly Fault[], exchange: Exchange): Promise<boolean> {
  for (const fault of faults) {
    await (effects[fault.type] as Effect<Fault['type']>)(fault as never, exchange);
    if (fault.type !== 'latency') return true;
  }
  return false;
}
