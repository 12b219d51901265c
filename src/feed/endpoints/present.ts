import type { Knex } from 'knex';
import { type AnyQueryBuilder, raw } from 'objection';
import { Endpoint } from '../../db/models/endpoint.ts';
import type { Schema } from '../../openapi/types.ts';

/** An endpoint with the numbers of its deliveries. */
export type CountedEndpoint = Endpoint & { pending_count: number; failed_count: number };

/** SQL: the number of deliveries with this status, by the partial index of the status. */
const countOf = (status: 'pending' | 'failed') =>
  raw(`(select count(*) from endpoint_deliveries where endpoint_id = endpoints.id and status = '${status}')`);

/** The endpoints that are not deleted. */
export function existing(builder: AnyQueryBuilder): void {
  builder
    .whereNull('deleted_at')
    .select('endpoints.*', countOf('pending').as('pending_count'), countOf('failed').as('failed_count'));
}

export async function endpointsByIds(knex: Knex, ids: number[]): Promise<Map<number, Schema<'Endpoint'>>> {
  if (ids.length === 0) return new Map();
  const rows = await Endpoint.query(knex).whereIn('id', ids).modify(existing).castTo<CountedEndpoint[]>();
  return new Map(rows.map((row) => [row.id, presentEndpoint(row)]));
}

/** Without the secrets. */
export function presentEndpoint(row: CountedEndpoint): Schema<'Endpoint'> {
  return {
    id: row.id,
    url: row.url,
    event_types: row.event_types,
    description: row.description,
    enabled: row.enabled,
    disabled_reason: row.disabled_reason,
    disabled_at: row.disabled_at?.toISOString() ?? null,
    failing_since: row.failing_since?.toISOString() ?? null,
    position: row.position,
    pending_count: row.pending_count,
    failed_count: row.failed_count,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}
