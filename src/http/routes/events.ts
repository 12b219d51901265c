import type { EventFilter } from '../../feed/read.ts';
import { type StreamItem, toServerSentEvents } from '../../feed/stream.ts';
import type { Handlers } from '../auth/caller.ts';
import type { Context } from './context.ts';

type Operations = 'listEvents' | 'streamEvents';
type Query = { type?: EventFilter['types'] | undefined; conversation_id?: number | undefined };

export function eventHandlers({ feed, reader }: Context): Pick<Handlers, Operations> {
  const filterOf = async ({ type = [], conversation_id: id }: Query): Promise<EventFilter> => ({
    types: type,
    conversationIds: id === undefined ? [] : await reader.mergedIds(id),
  });
  return {
    listEvents: async ({ query, reserve }) => ({
      status: 200,
      body: await feed.list(query.after ?? 0, await filterOf(query), query.limit, reserve),
    }),
    streamEvents: async ({ query, headers, signal }) => {
      const after = headers['last-event-id'] ?? query.after;
      const items = feed.stream(after === undefined ? null : Number(after), await filterOf(query), signal());
      return { status: 200, headers: HEADERS, body: toTexts(items) };
    },
  };
}

/** nginx does not buffer a response with this header. */
const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
};

async function* toTexts(items: AsyncIterable<StreamItem>): AsyncGenerator<string> {
  for await (const item of items) yield toServerSentEvents(item);
}
