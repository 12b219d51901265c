import { actorOf, type Handlers } from '../auth/caller.ts';
import type { Context } from './context.ts';

type Operations = 'exportParticipant' | 'eraseParticipant' | 'listErasures' | 'getErasure';

export function privacyHandlers({ erasures, exportParticipant }: Context): Pick<Handlers, Operations> {
  return {
    exportParticipant: async ({ params, query }) => ({
      status: 200,
      headers: {
        'content-type': 'application/x-ndjson',
        'content-disposition': `attachment; filename="participant-${params.id}.ndjson"`,
      },
      body: exportParticipant(params.id, query),
    }),
    eraseParticipant: async ({ caller, params, query }) => {
      const body = await erasures.request(params.id, query.person ?? false, actorOf(caller));
      if (body.state === 'completed') return { status: 200, body };
      return { status: 202, headers: { location: `/api/erasures/${body.id}` }, body };
    },
    listErasures: async ({ query }) => ({ status: 200, body: await erasures.list(query) }),
    getErasure: async ({ params }) => ({ status: 200, body: await erasures.get(params.id) }),
  };
}
