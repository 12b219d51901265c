import type { Handlers } from '../auth/caller.ts';
import type { Context } from './context.ts';

type Operations = 'uploadMedia' | 'getMedia' | 'getMediaContent';

export function mediaHandlers({ media }: Context): Pick<Handlers, Operations> {
  return {
    uploadMedia: async () => {
      throw new Error('not implemented');
    },
    getMedia: async ({ params }) => ({ status: 200, body: await media.get(params.id) }),
    getMediaContent: async () => {
      throw new Error('not implemented');
    },
  };
}
