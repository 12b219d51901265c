import { actorOf, type Caller, type Handlers } from '../auth/caller.ts';
import { respondWithFile } from '../file-response.ts';
import type { Context } from './context.ts';

type Operations = 'uploadMedia' | 'getMedia' | 'getMediaContent';

export function mediaHandlers({ media }: Context): Pick<Handlers, Operations> {
  return {
    uploadMedia: async ({ caller, query: { name = null, channel = null }, body }) => {
      const uploaded = await media.upload(body, { name, channel, actor: actorOf(caller) });
      return { status: 201, headers: { location: `/api/media/${uploaded.id}` }, body: uploaded };
    },
    getMedia: async ({ params }) => ({ status: 200, body: await media.get(params.id) }),
    getMediaContent: async ({ caller, params, query, headers: request }) => {
      const file = await media.file(params.id);
      const { status, headers, range } = respondWithFile(file, request, accessOf(caller, query.expires));
      if (status === 304) return { status, headers, body: undefined };
      return { status, headers, body: media.read(file, range.start, range.end) };
    },
  };
}

/**
 * A copy is valid as long as the link, and a page of another origin can show the file, because the link gives access to it. A client
 * with an API key must ask again, because the key may be removed. Without API keys, no page of another origin may load a file.
 */
function accessOf({ type }: Caller, expires = 0): Record<string, string> {
  if (type !== 'link') return { 'cache-control': 'private, no-cache' };
  const seconds = Math.max(0, expires - Math.ceil(Date.now() / 1_000));
  return {
    'cache-control': `private, max-age=${seconds}, immutable`,
    'cross-origin-resource-policy': 'cross-origin',
  };
}
