import { servedDocument } from '../../openapi/served.ts';
import type { Handlers } from '../auth/caller.ts';
import type { Context } from './context.ts';
import { readinessHandler } from './readiness.ts';

type Operations = 'getHealth' | 'getReadiness' | 'getMetrics' | 'getOpenapiJson' | 'getOpenapiYaml';

export function systemHandlers({ events, ...context }: Context): Pick<Handlers, Operations> {
  const document = servedDocument();
  return {
    getHealth: async () => ({ status: 200, body: { status: 'ok' } }),
    getReadiness: readinessHandler(context),
    getMetrics: async () => ({
      status: 200,
      headers: { 'content-type': events.registry.contentType },
      body: await context.readMetrics(),
    }),
    getOpenapiJson: async ({ origin }) => ({ status: 200, body: JSON.parse(document.json(origin())) }),
    getOpenapiYaml: async ({ origin }) => ({
      status: 200,
      headers: { 'content-type': 'application/yaml' },
      body: document.yaml(origin()),
    }),
  };
}
