import { Router } from 'express';
import type { Dialect } from './dialect.ts';
import { filesApi } from './media/control.ts';
import type { ProviderFile } from './media/files.ts';
import { answerError } from './middleware/error-response.ts';
import type { Channel, DialectName } from './settings.ts';
import type { Simulation } from './simulation.ts';

interface Inbound extends Record<string, unknown> {
  channel: Channel;
  dialect?: DialectName;
  /** Ids of files. */
  files?: string[];
}

/** The HTTP interface that controls the simulator, for tests and developers. openapi.yaml validates its requests. */
export function controlApi(simulation: Simulation, dialects: Record<DialectName, Dialect>): Router {
  const router = Router();
  router.get('/faults', (_request, response) => void response.json(simulation.faults.all));
  router.put('/faults', (request, response) => {
    simulation.faults.replace(request.body);
    response.json(simulation.faults.all);
  });
  router.use('/files', filesApi(simulation));
  router.get('/settings', (_request, response) => void response.json(simulation.settings));
  router.put('/settings', (request, response) => {
    simulation.change(request.body);
    response.json(simulation.settings);
  });
  router.get('/messages', (request, response) => {
    response.json({ data: simulation.store.all(request.query.channel as Channel | undefined) });
  });
  router.get('/calls', (_request, response) => void response.json({ data: simulation.store.calls() }));
  router.get('/webhooks', (_request, response) => void response.json({ data: simulation.store.webhooks() }));
  router.post('/reset', (_request, response) => {
    simulation.reset();
    for (const dialect of Object.values(dialects)) dialect.reset();
    response.json({ status: 'ok' });
  });
  router.post('/inbound', async (request, response) => {
    const { channel, dialect = 'standard', files: ids = [], ...fields }: Inbound = request.body;
    const files = ids.map((id) => simulation.files.get(id));
    const unknown = ids.filter((_id, index) => files[index] === undefined);
    if (unknown.length > 0)
      return answerError(response, 422, 'invalid_request', `There is no file ${unknown.join(', ')}`);
    const answer = await dialects[dialect].inbound(channel, fields, files as ProviderFile[]).catch(String);
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
