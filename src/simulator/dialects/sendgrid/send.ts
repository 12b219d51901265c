import type { Request, Response } from 'express';
import { reportSteps } from '../../email/report.ts';
import { REFUSED, stepsOf } from '../../email/steps.ts';
import { callOf } from '../../middleware/log-calls.ts';
import type { Settings } from '../../settings.ts';
import type { Simulation } from '../../simulation.ts';
import type { Call } from '../../store.ts';
import { addressesOf, type Email, emailOf, type SendRequest } from './account.ts';
import { errorBody, refuse } from './errors.ts';
import { eventsOf } from './events.ts';
import type { signingKey } from './signature.ts';
import { postEvents } from './webhooks.ts';

export interface AccountContext {
  simulation: Simulation;
  key: ReturnType<typeof signingKey>;
}

type Refusal = [status: number, field: string, message: string];

/** `POST /v3/mail/send`. Each request creates an email: SendGrid has no idempotency keys. */
export async function sendEmail(
  context: AccountContext,
  request: Request,
  response: Response,
): Promise<void> {
  const body: SendRequest = request.body;
  const { simulation } = context;
  const call = callOf(response);
  call.client_ref = body.personalizations[0]?.custom_args?.echo ?? null;
  const refusal = refusalOf(body, simulation.settings);
  const accept = () => acceptEmail(context, body, call);
  const ended = await simulation.endsByFault(
    {
      ...{ kind: 'send', dialect: 'sendgrid', channel: 'email' },
      recipients: body.personalizations.flatMap(addressesOf),
    },
    {
      ...{ request, response, acceptedStatus: 202 },
      errorBody: (status, code) => errorBody(status, code ?? null),
      proceed: () => (refusal === null ? accept() : undefined),
    },
  );
  if (ended) return;
  if (refusal !== null) return refuse(response, ...refusal);
  const { id } = await accept();
  response.status(202).set('x-message-id', id).end();
}

/** Source: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors */
function refusalOf({ personalizations, from }: SendRequest, { sendgrid }: Settings): Refusal | null {
  if (sendgrid.senders && !sendgrid.senders.includes(from.email))
    return [403, 'from', 'The from address does not match a verified Sender Identity.'];
  for (const [index, personalization] of personalizations.entries()) {
    const addresses = addressesOf(personalization).map((address) => address.toLowerCase());
    const path = `personalizations.${index}`;
    if (addresses.some((address) => REFUSED.test(address)))
      return [400, `${path}.to.0.email`, 'Does not contain a valid address.'];
    if (new Set(addresses).size < addresses.length)
      return [400, path, 'Each email address must be unique between to, cc, and bcc.'];
  }
  return null;
}

/** Accepts an email and starts to send its events. Early events have been sent when the promise resolves. */
async function acceptEmail(
  { simulation, key }: AccountContext,
  request: SendRequest,
  call: Call,
): Promise<Email> {
  const { settings, random, store } = simulation;
  const email = emailOf(request);
  call.message_id = email.id;
  const accepted = store.add({
    ...{ id: email.id, dialect: 'sendgrid', channel: 'email', idempotency_key: null },
    request: { ...request },
  });
  const steps = stepsOf(email.recipients, settings, random);
  await reportSteps(accepted, steps, {
    ...{ simulation, idOf: () => String(Math.floor(Date.now() / 1_000)) },
    deliver: (step, id) => {
      // A repeated event has the time of the event.
      const events = eventsOf(email, step).map((event) => ({ ...event, timestamp: Number(id) }));
      return postEvents(simulation, key, events);
    },
  });
  return email;
}
