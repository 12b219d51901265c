import type { Request, Response } from 'express';
import { addressIn } from '../../email/inbound.ts';
import { reportSteps } from '../../email/report.ts';
import { REFUSED, stepsOf } from '../../email/steps.ts';
import { callOf } from '../../middleware/log-calls.ts';
import type { Settings } from '../../settings.ts';
import type { Simulation } from '../../simulation.ts';
import type { Call } from '../../store.ts';
import { type Email, type Emails, emailOf, recipientsOf, type SendRequest } from './account.ts';
import { errorBody, refuse } from './errors.ts';
import { eventOf } from './events.ts';
import { postEvent, type WebhookCredentials } from './webhooks.ts';

export interface AccountContext {
  simulation: Simulation;
  credentials: WebhookCredentials;
  emails: Emails;
  /** A number that no other event has. */
  next: () => number;
}

type Refusal = [code: number, message: string];

const MAX_RECIPIENTS = 50;
/** The mailbox of recipients who bounced or unsubscribed earlier. */
const INACTIVE = /^inactive@/;

/** `POST /email`. Each request creates an email: Postmark has no idempotency keys. */
export async function sendEmail(
  context: AccountContext,
  request: Request,
  response: Response,
): Promise<void> {
  const body: SendRequest = request.body;
  const { simulation } = context;
  const recipients = recipientsOf(body);
  const call = callOf(response);
  const refusal = refusalOf(body, recipients, simulation.settings);
  const accept = () => acceptEmail(context, body, recipients, call);
  const ended = await simulation.endsByFault(
    { kind: 'send', dialect: 'postmark', channel: 'email', recipients },
    {
      ...{ request, response, acceptedStatus: 200 },
      errorBody: (status, code) => errorBody(status, code === undefined ? undefined : Number(code)),
      proceed: () => (refusal === null ? accept() : undefined),
    },
  );
  if (ended) return;
  if (refusal !== null) return refuse(response, ...refusal);
  const { id, acceptedAt } = await accept();
  const inactive = recipients.filter((address) => INACTIVE.test(address));
  const dropped = `Message OK, but will not deliver to these inactive addresses: ${inactive.join(', ')}.`;
  response.json({
    ...{ To: body.To ?? '', Cc: body.Cc ?? '', Bcc: body.Bcc ?? '', SubmittedAt: acceptedAt.toISOString() },
    ...{ MessageID: id, ErrorCode: 0, Message: inactive.length > 0 ? dropped : 'OK' },
  });
}

function refusalOf(
  { From }: SendRequest,
  recipients: readonly string[],
  { postmark: { senders } }: Settings,
): Refusal | null {
  const from = addressIn(From);
  if (senders && !senders.includes(from))
    return [400, `The 'From' address you supplied (${from}) is not a Sender Signature on your account.`];
  if (recipients.length === 0) return [300, 'Zero recipients specified'];
  if (recipients.length > MAX_RECIPIENTS) return [300, 'Too many recipients'];
  const invalid = recipients.find((address) => REFUSED.test(address));
  if (invalid !== undefined) return [300, `Error parsing 'To': Illegal email address '${invalid}'.`];
  if (!recipients.every((address) => INACTIVE.test(address))) return null;
  const text = `Found inactive addresses: ${recipients.join(', ')}.`;
  return [406, `You tried to send to recipient(s) that have been marked as inactive. ${text}`];
}

/** Accepts an email and starts to send its webhooks. Early webhooks have been sent when the promise resolves. */
async function acceptEmail(
  { simulation, credentials, emails, next }: AccountContext,
  request: SendRequest,
  recipients: readonly string[],
  call: Call,
): Promise<Email> {
  const { settings, random, store } = simulation;
  const active = recipients.filter((address) => !INACTIVE.test(address));
  const email = emailOf(request, active);
  emails.push(email);
  call.message_id = email.id;
  const accepted = store.add({
    ...{ id: email.id, dialect: 'postmark', channel: 'email', idempotency_key: null },
    request: { ...request },
  });
  const steps = stepsOf(active, settings, random).filter(({ event }) => event !== 'sent');
  await reportSteps(accepted, steps, {
    ...{ simulation, idOf: () => String(next()) },
    deliver: (step, id) => postEvent(simulation, credentials, eventOf(email, step, Number(id)) as object),
  });
  return email;
}
