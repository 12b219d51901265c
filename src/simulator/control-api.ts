import { randomUUID } from 'node:crypto';
import { Router } from 'express';
import { answerError } from './dialects/standard/api.ts';
import { inboundEmail } from './dialects/standard/email.ts';
import { inboundSms } from './dialects/standard/sms.ts';
import { type Channel, webhookUrl } from './settings.ts';
import type { Simulation } from './simulation.ts';

/** The HTTP interface that controls the simulator, for tests and developers. openapi.yaml validates its requests. */
export function controlApi(simulation: Simulation): Router {
  const router = Router();
  router.get('/faults', (_request, response) => void response.json(simulation.faults.all));
  router.put('/faults', (request, response) => {
    simulation.faults.replace(request.body);
    response.json(simulation.faults.all);
  });
  router.get('/settings', (_request, response) => void response.json(simulation.settings));
  router.put('/settings', (request, response) => {
    simulation.change(request.body);
    response.json(simulation.settings);
  });
  router.get('/messages', (request, response) => {
    response.json({ data: simulation.store.all(request.query.channel as Channel | undefined) });
  });
  router.get('/calls', (_request, response) => void response.json({ data: simulation.store.calls() }));
  router.post('/reset', (_request, response) => {
    simulation.reset();
    response.json({ status: 'ok' });
  });
  router.post('/inbound', async (request, response) => {
    const { channel, ...fields }: { channel: Channel } & Record<string, unknown> = request.body;
    const event = channel === 'sms' ? inboundSms(fields) : inboundEmail(fields);
    const url = webhookUrl(simulation.settings, channel);
    const answer = await simulation.sender.post(url, `evt_${randomUUID()}`, event).catch(String);
    if (typeof answer === 'string') answerError(response, 502, 'unreachable', answer);
    else response.json({ status: answer.status, body: parsed(answer.body) });
  });
  return router;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
