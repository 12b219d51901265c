import type { Knex } from 'knex';
import type { HashAddress } from '../../consent/key.ts';
import { NotFoundError } from '../../errors.ts';
import { Slots } from '../../media/slots.ts';
import type { MediaStore } from '../../media/store.ts';
import { createMentions, unicodeSpelling } from '../mentions.ts';
import { findMentions } from './find-messages.ts';
import * as table from './items.ts';
import { type Item, type Items, readItems } from './read-items.ts';
import { findWebhooks } from './webhooks.ts';

export interface ExportOptions {
  knex: Knex;
  store: MediaStore;
  hashAddress: HashAddress;
  /** The target of a stored webhook without the values of credentials. */
  redactTarget: (target: string) => string;
}

export interface ExportQuery {
  /** Whether all addresses of the person are exported. */
  person?: boolean | undefined;
  /** Whether the content of files is exported. */
  files?: boolean | undefined;
}

export type ExportParticipant = (id: number, query: ExportQuery) => AsyncGenerator<string>;

/** Each export uses one connection of the reads, and has a page of at most some MB in memory. */
const MAX_EXPORTS = 2;
/** The ids of exported files that are remembered, so that a file of several messages is exported once. */
const MAX_FILES = 100_000;

/**
 * Creates the function that exports everything that is stored about a participant as lines of JSON. Each line shows its row as it is
 * when it is read.
 *
 * @throws {NotFoundError} there is no such participant; before the first line, so that the response can still be an error.
 * @throws {UnavailableError} if too many exports run; before the first line.
 */
export function createExport(options: ExportOptions): ExportParticipant {
  const slots = new Slots(MAX_EXPORTS, 'exports');
  return async function* (id, query) {
    using _slot = slots.take();
    yield* new Export(options, await findParticipants(options.knex, id, query.person), query).lines();
  };
}

interface Participant {
  id: number;
  address: string;
}

async function findParticipants(knex: Knex, id: number, person = false): Promise<Participant[]> {
  const own = '(select coalesce(person_id, id) from participants where id = :id)';
  const { rows } = await knex.raw<{ rows: Participant[] }>(
    `select id, address from participants
    where id = :id or (:person and (id = ${own} or person_id = ${own})) order by id`,
    { id, person },
  );
  if (rows.length === 0) throw new NotFoundError(`participant ${id}`);
  return rows;
}

/** One export, which counts its lines. */
class Export {
  readonly #options: ExportOptions;
  readonly #ids: number[];
  readonly #addresses: string[];
  readonly #query: ExportQuery;
  readonly #counts: Record<string, number> = {};
  readonly #files = new Set<number>();

  constructor(options: ExportOptions, participants: Participant[], query: ExportQuery) {
    this.#options = options;
    this.#ids = participants.map(({ id }) => id);
    this.#addresses = participants.map(({ address }) => address);
    this.#query = query;
  }

  async *lines(): AsyncGenerator<string> {
    const ids = this.#ids;
    yield lineOf('header', JSON.stringify({ exported_at: new Date(), participant_ids: ids }));
    yield* this.#all(table.PARTICIPANTS, { ids });
    yield* this.#all(table.LINKS, { ids });
    const hashes = this.#addresses.map((address) => Buffer.from(this.#options.hashAddress(address), 'hex'));
    yield* this.#all(table.SUPPRESSIONS, { hashes });
    yield* this.#all(table.SUPPRESSION_CHANGES, { hashes });
    yield* this.#all(table.OPT_OUTS, { addresses: this.#addresses });
    yield* this.#all(table.ERASURES, { ids });
    for (const participant of ids)
      for await (const page of readItems(this.#options.knex, table.CONVERSATIONS, { ids, participant })) {
        yield this.#show(table.CONVERSATIONS, page);
        yield* this.#conversations(firstKeys(page));
      }
    for (const address of this.#addresses.flatMap((one) => [one, unicodeSpelling(one) ?? []].flat()))
      yield* this.#namedMessages(address);
    yield* this.#mentions();
    yield lineOf('end', JSON.stringify({ counts: this.#counts }));
  }

  /** The lines of a page, as one text. */
  #show({ type }: Items, page: Pick<Item, 'data'>[]): string {
    this.#counts[type] = (this.#counts[type] ?? 0) + page.length;
    return page.map(({ data }) => lineOf(type, data)).join('');
  }

  async *#all(items: Items, bindings: Record<string, Knex.RawBinding>): AsyncGenerator<string> {
    for await (const page of readItems(this.#options.knex, items, bindings)) yield this.#show(items, page);
  }

  async *#conversations(conversations: number[]): AsyncGenerator<string> {
    for (const conversation of conversations) {
      yield* this.#messages(table.MESSAGES, { conversation });
      yield* this.#events(table.EVENTS, { conversation });
    }
    yield* this.#all(table.NEW_EVENTS, { conversations });
  }

  async *#messages(items: Items, bindings: Record<string, Knex.RawBinding>): AsyncGenerator<string> {
    for await (const page of readItems(this.#options.knex, items, bindings)) {
      yield this.#show(items, page);
      const messages = firstKeys(page);
      for (const related of table.RELATED) yield* this.#all(related, { messages });
      yield* this.#media(messages);
    }
  }

  async *#events(items: Items, bindings: Record<string, Knex.RawBinding>): AsyncGenerator<string> {
    for await (const page of readItems(this.#options.knex, items, bindings)) {
      yield this.#show(items, page);
      yield* this.#all(table.ENDPOINT_ATTEMPTS, { events: firstKeys(page) });
    }
  }

  async *#media(messages: number[]): AsyncGenerator<string> {
    for await (const page of readItems(this.#options.knex, table.MEDIA, { messages })) {
      const unseen = page.filter(({ keys }) => !this.#files.has(keys[0] as number));
      yield this.#show(table.MEDIA, unseen);
      for (const id of firstKeys(unseen)) {
        if (this.#files.size === MAX_FILES) this.#files.clear();
        this.#files.add(id);
        yield* this.#file(id);
      }
    }
  }

  async *#file(id: number): AsyncGenerator<string> {
    const find = () => this.#options.knex('media').where({ id, state: 'stored' }).first('object_id', 'size');
    const row: { object_id: string; size: number } | undefined = await find();
    if (row) yield* this.#content('media_content', { media_id: id }, { id: row.object_id, ...row }, find);
  }

  /** The content of an object in base64, unless its row is deleted meanwhile. */
  async *#content(
    type: string,
    subject: object,
    { id, size }: { id: string; size: number },
    find: () => PromiseLike<unknown>,
  ): AsyncGenerator<string> {
    if (this.#query.files === false) return;
    try {
      let number = 0;
      for await (const part of this.#options.store.read(id, 0, size)) {
        const data = JSON.stringify({ ...subject, number, content: part.toString('base64') });
        yield this.#show({ type } as Items, [{ data }]);
        number++;
      }
    } catch (error) {
      if (await find()) throw error;
    }
  }

  async *#namedMessages(address: string): AsyncGenerator<string> {
    for await (const found of findMentions(this.#options.knex, this.#ids, address)) {
      const messages = found.map(({ id }) => id);
      const conversations = [...new Set(found.map(({ conversation_id }) => conversation_id))];
      yield* this.#messages(table.NAMED_MESSAGES, { messages });
      yield* this.#events(table.NAMED_EVENTS, { messages, conversations });
    }
  }

  /** What names an address without belonging to a message. */
  async *#mentions(): AsyncGenerator<string> {
    const { knex } = this.#options;
    const mentions = createMentions(this.#addresses);
    for await (const page of readItems(knex, table.UNASSIGNED_RECEIPTS, {}))
      yield this.#show(
        table.UNASSIGNED_RECEIPTS,
        page.filter(({ data }) => mentions(data)),
      );
    for await (const webhook of findWebhooks(this.#options, mentions)) {
      yield this.#show(table.WEBHOOKS, [webhook]);
      const { id, object } = webhook;
      const find = () => knex('webhook_inbox').where({ id }).first('id');
      if (object) yield* this.#content('webhook_content', { webhook_id: id }, object, find);
    }
  }
}

function lineOf(type: string, data: string): string {
  return `{"type":"${type}","data":${data}}\n`;
}

function firstKeys(page: Item[]): number[] {
  return page.map(({ keys }) => keys[0] as number);
}
