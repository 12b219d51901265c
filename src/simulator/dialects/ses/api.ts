import { randomUUID } from 'node:crypto';
import { type Request, type Response, Router } from 'express';
import { reportSteps } from '../../email/report.ts';
import { REFUSED, stepsOf } from '../../email/steps.ts';
import { callOf } from '../../middleware/log-calls.ts';
import type { Call } from '../../store.ts';
import { type Answer, isSuccess } from '../../webhook-client.ts';
import { type AccountContext, type Email, emailOf, recipientsOf, type SendRequest } from './account.ts';
import { errorBody, refuse } from './errors.ts';
import { eventOf, feedbackOf } from './events.ts';

const MAX_RECIPIENTS = 50;

/** The operations of emails and of the account. openapi.yaml validates the requests. */
export function emailApi(context: AccountContext): Router {
  const router = Router();
  router.post('/outbound-emails', (request, response) => sendEmail(context, request, response));
  router.get('/account', async (request, response) => {
    const ended = await context.simulation.endsByFault(
      { kind: 'lookup', dialect: 'ses', channel: 'email', recipients: [] },
      { request, response, errorBody, acceptedStatus: 200, proceed: () => undefined },
    );
    if (ended) return;
    const quota = { Max24HourSend: 50_000, MaxSendRate: 14, SentLast24Hours: 0 };
    response.json({
      ...{ SendingEnabled: true, ProductionAccessEnabled: true, EnforcementStatus: 'HEALTHY' },
      ...{ DedicatedIpAutoWarmupEnabled: false, SendQuota: quota },
    });
  });
  return router;
}

/** `POST /v2/email/outbound-emails`. Each request sends an email: SES has no idempotency keys. */
async function sendEmail(context: AccountContext, request: Request, response: Response): Promise<void> {
  const body: SendRequest = request.body;
  const { simulation } = context;
  const call = callOf(response);
  const refusal = refusalOf(body, context);
  const accept = () => acceptEmail(context, body, call);
  const ended = await simulation.endsByFault(
    { kind: 'send', dialect: 'ses', channel: 'email', recipients: recipientsOf(body) },
    {
      ...{ request, response, errorBody, acceptedStatus: 200 },
      proceed: () => (refusal === null ? accept() : undefined),
    },
  );
  if (ended) return;
  if (refusal !== null) return refuse(response, ...refusal);
  const { id } = await accept();
  response.json({ MessageId: id });
}

/** The type and the text of the error that refuses an email; null for none. */
function refusalOf(
  request: SendRequest,
  { simulation }: AccountContext,
): [type: string, message: string] | null {
  const recipients = recipientsOf(request);
  const { senders } = simulation.settings.ses;
  const from = request.FromEmailAddress ?? '';
  if (senders && !senders.includes(from))
    return [
      'MessageRejected',
      `Email address is not verified. The following identities failed the check in region US-EAST-1: ${from}`,
    ];
  if (recipients.length === 0) return ['BadRequestException', 'Missing required header To.'];
  if (recipients.length > MAX_RECIPIENTS)
    return ['BadRequestException', `Recipient count exceeds ${MAX_RECIPIENTS}.`];
  if (recipients.some((address) => REFUSED.test(address))) return ['BadRequestException', 'Illegal address'];
  const hasFrom = /^from:/im.test(Buffer.from(request.Content.Raw.Data, 'base64').toString('latin1'));
  return hasFrom ? null : ['BadRequestException', "Missing required header 'From'."];
}

/** Accepts an email and starts to send its events. Early events have been sent when the promise resolves. */
async function acceptEmail(context: AccountContext, request: SendRequest, call: Call): Promise<Email> {
  const { simulation } = context;
  const { settings, random } = simulation;
  const email = emailOf(request);
  call.message_id = email.id;
  const accepted = simulation.store.add({
    ...{ id: email.id, dialect: 'ses', channel: 'email', idempotency_key: null, request: { ...request } },
  });
  const steps = stepsOf(email.recipients, settings, random);
  const events = new Map(steps.map((step) => [step, eventOf(email, step)]));
  await reportSteps(accepted, steps, {
    ...{ simulation, idOf: randomUUID },
    deliver: (step, id) => publish(context, events.get(step) as object, id),
  });
  return email;
}

/** Publishes an event, and the same event as feedback of the identity if that is on. Returns the first failure, or a success. */
async function publish({ topic, simulation }: AccountContext, event: object, id: string): Promise<Answer> {
  const { feedback, unknown_fields } = simulation.settings.ses;
  const future = unknown_fields && { future: { field: [1] } };
  const answer = await topic.publish(JSON.stringify({ ...event, ...future }), id);
  const copy = feedback ? feedbackOf(event) : null;
  if (copy === null) return answer;
  const second = await topic.publish(JSON.stringify({ ...copy, ...future }));
  return isSuccess(answer) ? second : answer;
}
