import type { Handlers } from '../auth/caller.ts';
import type { Context } from './context.ts';

type Operations = 'exportParticipant';

export function privacyHandlers({ exportParticipant }: Context): Pick<Handlers, Operations> {
  return {
    exportParticipant: async ({ params, query }) => ({
      status: 200,
      headers: {
        'content-type': 'application/x-ndjson',
        'content-disposition': `attachment; filename="participant-${params.id}.ndjson"`,
      },
      body: exportParticipant(params.id, query),
    }),
  };
}
