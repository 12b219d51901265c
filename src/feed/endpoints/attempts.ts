import type { Knex } from 'knex';
import { EndpointAttempt } from '../../db/models/endpoint-attempt.ts';
import { Cursors, DEFAULT_LIMIT, isId, type Page, type PageQuery } from '../../openapi/page.ts';
import type { Schema } from '../../openapi/types.ts';

export interface AttemptQuery extends PageQuery {
  event_id?: number | undefined;
  outcome?: Schema<'EndpointOutcome'> | undefined;
}

/** The attempts to deliver events to an endpoint, the newest first. */
export async function listAttempts(
  knex: Knex,
  endpointId: number,
  query: AttemptQuery,
): Promise<Page<Schema<'EndpointAttempt'>>> {
  const limit = query.limit ?? DEFAULT_LIMIT;
  const filters = { ...query, endpoint: endpointId };
  const cursors = new Cursors<[number]>('endpoint-attempts', filters, [isId]);
  const rows = await EndpointAttempt.query(knex)
    .where('endpoint_id', endpointId)
    .modify((builder) => {
      if (query.event_id !== undefined) builder.where('event_id', query.event_id);
      if (query.outcome !== undefined) builder.where('outcome', query.outcome);
      if (cursors.after) builder.where('id', '<', cursors.after[0]);
    })
    .orderBy('id', 'desc')
    .limit(limit + 1);
  const listed = rows.slice(0, limit);
  const last = rows.length > limit ? listed.at(-1) : undefined;
  return cursors.page(listed, last ? [last.id] : null, present);
}

function present(row: EndpointAttempt): Schema<'EndpointAttempt'> {
  const { error_code: code, detail } = row;
  return {
    id: row.id,
    event_id: row.event_id,
    number: row.number,
    started_at: row.started_at.toISOString(),
    outcome: row.outcome,
    status_code: row.status_code,
    duration_ms: row.duration_ms,
    error: code === null ? null : { code, detail: detail ?? '' },
    response_body: row.response_body,
  };
}
