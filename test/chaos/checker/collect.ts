import pg from 'pg';
import { callFromDialect, fromDialect } from './dialects.ts';
import type { AcceptedMessage, Call, Stored } from './evidence.ts';

/** Installs triggers that record each change of a delivery's status, and each claim of a message to a suppressed recipient. Call it after the migration and before any message. */
export async function recordStatusChanges(databaseUrl: string): Promise<void> {
  await withClient(databaseUrl, (client) =>
    client.query(`
      create schema chaos;
      create table chaos.changes (
        id bigint generated always as identity primary key,
        message_id bigint not null, old text not null, new text not null,
        at timestamptz not null default clock_timestamp());
      create function chaos.record_change() returns trigger language plpgsql as $$
      begin
        insert into chaos.changes (message_id, old, new) values (old.message_id, old.status, new.status);
        return null;
      end $$;
      create trigger chaos_record_change after update of status on deliveries for each row
        when (old.status is distinct from new.status) execute function chaos.record_change();
      create table chaos.claims_after_stop (
        id bigint generated always as identity primary key,
        message_id bigint not null,
        at timestamptz not null default clock_timestamp());
      create function chaos.record_claim() returns trigger language plpgsql as $$
      begin
        insert into chaos.claims_after_stop (message_id)
        select new.message_id from messages
        where messages.id = new.message_id and exists (select from suppressions where address = any(messages."to"));
        return null;
      end $$;
      create trigger chaos_record_claim after update on deliveries for each row
        when (new.status = 'sending' and new.attempt_count > old.attempt_count) execute function chaos.record_claim();
    `),
  );
}

/**
 * Counts the messages that are not settled.
 *
 * @param except SQL patterns of recipients whose messages are not counted.
 */
export async function countPending(databaseUrl: string, except: string[] = []): Promise<number> {
  const { rows } = await withClient(databaseUrl, (client) =>
    client.query<{ pending: number }>(
      `select count(*)::int as pending from deliveries join messages on id = message_id
       where status in ('scheduled', 'queued', 'sending')
         and not exists (select from unnest("to") as recipient where recipient like any($1::text[]))`,
      [except],
    ),
  );
  return rows[0]?.pending ?? 0;
}

export interface Claim {
  message_id: number;
  delivery_key: string;
  attempt_count: number;
  may_have_been_sent: boolean;
}

/**
 * The claims that no worker has settled.
 *
 * @param since the earliest time of a claim, in milliseconds since 1970.
 * @param except SQL patterns of recipients whose messages are not read.
 */
export async function readClaims(
  databaseUrl: string,
  since: number,
  except: string[] = [],
): Promise<Claim[]> {
  const { rows } = await withClient(databaseUrl, (client) =>
    client.query<Claim>(
      `select message_id::int, delivery_key, attempt_count, may_have_been_sent
       from deliveries join messages on id = message_id
       where status = 'sending' and updated_at >= to_timestamp($1::float8 / 1000)
         and not exists (select from unnest("to") as recipient where recipient like any($2::text[]))`,
      [since, except],
    ),
  );
  return rows;
}

/** Those of these claims that are neither settled nor taken over. */
export async function readHeld(databaseUrl: string, claims: Claim[]): Promise<Claim[]> {
  const { rows } = await withClient(databaseUrl, (client) =>
    client.query<Claim>(
      `select message_id::int, delivery_key, attempt_count, may_have_been_sent from deliveries join json_to_recordset($1) as claim(message_id int, attempt_count int)
         using (message_id, attempt_count)
       where status = 'sending'`,
      [JSON.stringify(claims)],
    ),
  );
  return rows;
}

/** Counts the webhooks that were acknowledged and are not processed. */
export async function countInbox(databaseUrl: string): Promise<number> {
  const { rows } = await withClient(databaseUrl, (client) =>
    client.query<{ count: number }>('select count(*)::int as count from webhook_inbox'),
  );
  return rows[0]?.count ?? 0;
}

/** Expires the messages that are not settled. At that time, their recipients are those for whom the provider fails. */
export async function expirePending(databaseUrl: string): Promise<void> {
  await withClient(databaseUrl, (client) =>
    client.query(`update deliveries set expires_at = now() where status in ('queued', 'sending')`),
  );
}

/** The events without a position, and the last position. */
export async function readFeed(databaseUrl: string): Promise<{ waiting: number; last: number }> {
  const { rows } = await withClient(databaseUrl, (client) =>
    client.query<{ waiting: number; last: number }>(
      `select (select count(*)::int from event_inbox) as waiting, coalesce(max(id), 0)::int as last from events`,
    ),
  );
  return rows[0] as { waiting: number; last: number };
}

const READ = {
  messages: `
    select id::int, messages.conversation_id::int, direction, type, "from", "to", cc, subject, body, attachments, metadata,
      to_char("timestamp" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "timestamp",
      coalesce(status, 'received') as status, error,
      coalesce(deliveries.provider_message_id, messages.provider_message_id) as provider_message_id, key as idempotency_key,
      delivery_key::text, coalesce(attempt_count, 0) as attempt_count, next_attempt_at is not null as due
    from messages left join deliveries on deliveries.message_id = id
    left join idempotency_keys on idempotency_keys.message_id = id and operation = 'send' order by id`,
  attempts: `
    select message_id::int, number, provider, extract(epoch from started_at)::float8 * 1000 as started_at, duration_ms,
      outcome, code, provider_message_id
    from delivery_attempts order by message_id, number`,
  receipts: `
    select message_id::int, provider_message_id, status, extract(epoch from received_at)::float8 * 1000 as received_at
    from delivery_receipts order by id`,
  recipients: `
    select message_id::int, address, status, provider_message_id from delivery_recipients order by message_id, position`,
  conversations: `
    select id::int, message_count, array(
        select address from conversation_participants join participants on participants.id = participant_id
        where conversation_id = conversations.id) as addresses
    from conversations order by id`,
  changes: `
    select message_id::int, old, new, extract(epoch from at)::float8 * 1000 as at from chaos.changes order by id`,
  claims_after_stop: `
    select message_id::int, extract(epoch from at)::float8 * 1000 as at from chaos.claims_after_stop order by id`,
};

/** Reads a snapshot of the database. */
export async function readStored(databaseUrl: string): Promise<Stored> {
  return withClient(databaseUrl, async (client) => {
    await client.query('begin isolation level repeatable read read only');
    const stored: Record<string, unknown[]> = {};
    for (const [name, text] of Object.entries(READ)) stored[name] = (await client.query(text)).rows;
    return stored as unknown as Stored;
  });
}

/** Reads the accepted messages, all in the form of the standard kind, and the calls of the simulated providers. */
export async function readProviders(
  simulatorUrl: string,
): Promise<{ accepted: AcceptedMessage[]; calls: Call[] }> {
  const read = async (path: string) => {
    const request = () => fetch(`${simulatorUrl}/_control/${path}`);
    // The simulator may close an idle connection at the moment when it is used again.
    const response = await request().catch(request);
    return ((await response.json()) as { data: unknown[] }).data;
  };
  const accepted = (await read('messages')) as AcceptedMessage[];
  return {
    accepted: await Promise.all(accepted.map(fromDialect)),
    calls: ((await read('calls')) as Call[]).map(callFromDialect),
  };
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    query_timeout: 30_000,
  });
  // The query reports a lost connection.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
