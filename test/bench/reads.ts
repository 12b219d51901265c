import { query } from '../support/database.ts';
import { load, type Measured } from './load.ts';
import { gets } from './workload.ts';

export const READS = [
  'list conversations',
  "list a conversation's messages",
  'sync a conversation from an id',
  'search a word of one message',
  'search a word of every message',
  'get one message',
] as const;

/** Measures each read, spread evenly over the stored messages. */
export async function measureReads(
  serviceUrl: string,
  databaseUrl: string,
  connections: number,
  count: number,
): Promise<Map<(typeof READS)[number], Measured>> {
  const sample = await query<{ id: number; conversation_id: number; word: string }>(
    databaseUrl,
    `select id, conversation_id, substring(body from 'number\\d+') as word from (
       select *, row_number() over (order by id) as n, count(*) over () as total from messages where provider = 'filler'
     ) as numbered
     where n % greatest(1, total / ${count}) = 0 limit ${count}`,
  );
  const paths: Record<(typeof READS)[number], (row: (typeof sample)[number]) => string> = {
    'list conversations': () => '/api/conversations',
    "list a conversation's messages": (row) => `/api/conversations/${row.conversation_id}/messages`,
    'sync a conversation from an id': (row) =>
      `/api/conversations/${row.conversation_id}/messages?after_id=${row.id}`,
    'search a word of one message': (row) => `/api/messages?q=${row.word}`,
    'search a word of every message': () => '/api/messages?q=parcel',
    'get one message': (row) => `/api/messages/${row.id}`,
  };
  const measured = new Map<(typeof READS)[number], Measured>();
  for (const name of READS) {
    const requests = gets(sample.map(paths[name]));
    await load(serviceUrl, connections, requests.slice(0, count / 4));
    measured.set(name, await load(serviceUrl, connections, requests));
  }
  return measured;
}
