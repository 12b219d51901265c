import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
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
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, asked, stop: () => server.close() };
}
