import type { RequestHandler, Response } from 'express';
import type { Channel, DialectName } from '../settings.ts';
import type { Simulation } from '../simulation.ts';
import type { Call } from '../store.ts';

/** Middleware that logs the calls of a provider's API. */
export function logCalls(dialect: DialectName, channel: Channel, simulation: Simulation): RequestHandler {
  return (request, response, next) => {
    const { method, originalUrl: path } = request;
    const idempotency_key = request.get('idempotency-key') ?? null;
    const has_credentials = request.get('authorization') !== undefined;
    const call: Call = {
      ...{ method, path, dialect, channel, idempotency_key, has_credentials },
      ...{
        status_callback: null,
        client_ref: null,
        message_id: null,
        fault: null,
        status: null,
        at: Date.now(),
      },
    };
    simulation.store.logCall(call);
    response.locals.call = call;
    response.once('finish', () => {
      call.status = response.statusCode;
    });
    next();
  };
}

/** The logged call of a response. */
export function callOf(response: Response): Call {
  return response.locals.call;
}
