import type { Handlers } from '../auth/caller.ts';
import type { Context } from './context.ts';

type Operations =
  | 'createEndpoint'
  | 'listEndpoints'
  | 'getEndpoint'
  | 'updateEndpoint'
  | 'deleteEndpoint'
  | 'rotateEndpointSecret'
  | 'testEndpoint'
  | 'replayEndpoint'
  | 'listEndpointAttempts';

export function endpointHandlers({ endpoints }: Context): Pick<Handlers, Operations> {
  return {
    createEndpoint: async ({ body }) => {
      const endpoint = await endpoints.create(body);
      return { status: 201, headers: { location: `/api/endpoints/${endpoint.id}` }, body: endpoint };
    },
    listEndpoints: async ({ query }) => ({ status: 200, body: await endpoints.list(query) }),
    getEndpoint: async ({ params }) => ({ status: 200, body: await endpoints.get(params.id) }),
    updateEndpoint: async ({ params, body }) => ({
      status: 200,
      body: await endpoints.update(params.id, body),
    }),
    deleteEndpoint: async ({ params }) => {
      await endpoints.remove(params.id);
      return { status: 204, body: undefined };
    },
    rotateEndpointSecret: async ({ params }) => ({
      status: 200,
      body: await endpoints.rotateSecret(params.id),
    }),
    testEndpoint: async ({ params, signal }) => ({
      status: 200,
      body: await endpoints.test(params.id, signal()),
    }),
    replayEndpoint: async ({ params, body }) => ({
      status: 202,
      body: await endpoints.replay(params.id, body),
    }),
    listEndpointAttempts: async ({ params, query }) => ({
      status: 200,
      body: await endpoints.attempts(params.id, query),
    }),
  };
}
