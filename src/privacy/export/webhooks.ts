import { isUtf8 } from 'node:buffer';
import type { Knex } from 'knex';
import type { MediaStore } from '../../media/store.ts';
import { isMentionedIn, type Mentions } from '../mentions.ts';
import { WEBHOOKS } from './items.ts';
import { readItems } from './read-items.ts';

/** A stored webhook as its table has it, with the body in base64. */
interface StoredWebhook {
  id: number;
  target: string;
  headers: Record<string, unknown>;
  detail: string | null;
  body: string | null;
  object_id: string | null;
  object_bytes: number | null;
}

/** A webhook as an export shows it. */
export interface ExportedWebhook {
  data: string;
  id: number;
  /** The body, if it is too large for its row. */
  object: { id: string; size: number } | null;
}

/** Finds the stored webhooks that name one of the addresses, in the order of their ids. */
export async function* findWebhooks(
  { knex, store, redactTarget }: { knex: Knex; store: MediaStore; redactTarget: (target: string) => string },
  mentions: Mentions,
): AsyncGenerator<ExportedWebhook> {
  for await (const page of readItems(knex, WEBHOOKS, {})) {
    for (const item of page) {
      const webhook = JSON.parse(item.data) as StoredWebhook;
      const { object_id, object_bytes, body, ...fields } = webhook;
      const object = object_id === null ? null : { id: object_id, size: object_bytes as number };
      const bytes = Buffer.from(body ?? '', 'base64');
      const parts = object ? store.read(object.id, 0, object.size) : [bytes];
      const { target, headers, detail } = fields;
      const isNamed =
        mentions(JSON.stringify([target, headers, detail])) ||
        (await isMentionedIn(parts, mentions).catch(falseIfDeleted(knex, webhook.id)));
      if (!isNamed) continue;
      const shown = { ...fields, target: redactTarget(target), ...presentBody(object ? null : bytes) };
      yield { data: JSON.stringify(shown), id: webhook.id, object };
    }
  }
}

function presentBody(body: Buffer | null) {
  if (body === null) return { body: null, body_encoding: null };
  const isText = isUtf8(body);
  return { body: body.toString(isText ? 'utf8' : 'base64'), body_encoding: isText ? 'utf-8' : 'base64' };
}

/** A webhook that was processed since its row was read has no body any more. */
function falseIfDeleted(knex: Knex, id: number) {
  return async (error: unknown): Promise<false> => {
    const row = await knex('webhook_inbox').where({ id }).first('id');
    if (row) throw error;
    return false;
  };
}
