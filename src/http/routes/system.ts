import { openApiDocument, openApiYaml } from '../../openapi/document.ts';
import type { Handlers } from '../auth/caller.ts';
import type { Context } from './context.ts';
import { readinessHandler } from './readiness.ts';

type Operations = 'getHealth' | 'getReadiness' | 'getMetrics' | 'getOpenapiJson' | 'getOpenapiYaml';

export function operationsHandlers({ events, ...context }: Context): Pick<Handlers, Operations> {
  const document = openApiDocument() as unknown as Record<string, never>;
  return {
    getHealth: async () => ({ status: 200, body: { status: 'ok' } }),
    getReadiness: readinessHandler(context),
    getMetrics: async () => ({
      status: 200,
      headers: { 'content-type': events.registry.contentType },
      body: await events.registry.metrics(),
    }),
    getOpenapiJson: async () => ({ status: 200, body: document }),
    getOpenapiYaml: async () => ({
      status: 200,
      headers: { 'content-type': 'application/yaml' },
      body: openApiYaml,
    }),
  };
}
