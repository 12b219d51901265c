import { createServer } from 'node:http';
import express from 'express';
import { listen } from '../support/listen.ts';
import type { States } from './verify.ts';

/** What a provider's team runs next to its sandbox: it is told what an interaction presumes, and makes it so. */
export async function startStatesServer(states: States) {
  const asked: { state: string; action: string }[] = [];
  const app = express();
  app.post('/', express.json(), async (request, response) => {
    const { state, action, params = {} } = request.body;
    asked.push({ state, action });
    const found = states[state];
    if (action === 'setup') response.json((await found?.setUp(params)) ?? {});
    else response.json((await found?.cleanUp()) ?? {});
  });
  const server = createServer(app);
  return { url: `http://127.0.0.1:${await listen(server)}/`, asked, stop: () => server.close() };
}
