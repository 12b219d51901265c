import { query } from './database.ts';

const TABLES = `
  select format('%I', relname) as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
  where nspname = 'public' and relkind in ('r', 'm') order by 1`;

/** All rows of all tables as one text, in lower case; bytes as Latin-1, and also decoded from base64 if they are text. */
export async function dump(databaseUrl: string): Promise<string> {
  const parts: string[] = [];
  for (const { name } of await query<{ name: string }>(databaseUrl, TABLES))
    for (const row of await query(databaseUrl, `select * from ${name}`))
      parts.push(`${name} ${JSON.stringify(row, (_key, value) => readable(value))}`);
  return parts.join('\n').toLowerCase();
}

/** A Buffer is serialized by its `toJSON` before the replacer is called. */
function readable(value: unknown): unknown {
  const { type, data } = (value ?? {}) as { type?: unknown; data?: unknown };
  return type === 'Buffer' && Array.isArray(data) ? Buffer.from(data).toString('latin1') : value;
}

/** The rows of a dump that contain a text, cut off. */
export function rowsWith(dumped: string, text: string): string[] {
  const wanted = text.toLowerCase();
  return dumped
    .split('\n')
    .filter((row) => row.includes(wanted))
    .map((row) => row.slice(0, 40) + row.slice(Math.max(0, row.indexOf(wanted) - 100)).slice(0, 220));
}
