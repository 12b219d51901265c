import { execute } from '../../db/transaction.ts';
import { ByteBudget } from '../../media/byte-budget.ts';
import { MediaClient } from '../../media/fetching/client.ts';
import { FetchFailure, tooLarge } from '../../media/fetching/failure.ts';
import { sentFileName } from '../../media/file-name.ts';
import { createPostgresStore } from '../../media/postgres-store.ts';
import type { Events } from '../../observability/events.ts';
import type { OutgoingFile } from '../../providers/outgoing.ts';
import type { FailedOutcome } from '../../providers/provider.ts';
import { FILES_MS } from '../accounts/lease.ts';
import { STOPPED } from '../accounts/not-called.ts';
import type { Claimed, FetchedFile } from '../claim.ts';
import { type FetchContext, fetchAttachment } from './fetch-attachment.ts';
import { FILES_NOT_READ, fileFailure, tooLargeForAccount } from './file-failure.ts';
import type { FileLimits } from './file-limits.ts';

/** Max bytes of the files of all calls of a worker. A call needs several times the memory, for base64 and its request. */
const MEMORY_BYTES = 64 * 1_048_576;
/** The failed attempts to reach a file after which its message has failed. */
const MAX_UNREACHABLE = 3;

const COUNT_FAILURES = {
  name: 'count-unreachable-attachments',
  text: 'select count(*)::int as count from delivery_attempts where message_id = $1 and code = $2',
};

/** The files of a message for one call. Disposal frees their memory. */
export interface CallFiles extends Disposable {
  files: readonly OutgoingFile[];
}

export interface FileContentsOptions extends FetchContext {
  events: Events;
  /** Default: `FILES_MS`. */
  patienceMs?: number;
}

/** The contents of a worker. */
export function createFileContents({
  pool,
  events,
  allowedPrivateHosts = [],
}: Pick<FileContentsOptions, 'pool' | 'events'> & {
  allowedPrivateHosts?: readonly string[] | undefined;
}): FileContents {
  const client = new MediaClient({ allowedPrivateHosts });
  return new FileContents({ pool, events, client, store: createPostgresStore(pool) });
}

/** Loads the files of messages for providers that take the content of files. */
export class FileContents {
  readonly #options: FileContentsOptions;
  readonly #memory = new ByteBudget(MEMORY_BYTES);

  constructor(options: FileContentsOptions) {
    this.#options = options;
  }

  /**
   * The files of a message with their content. A file behind a URL is fetched once and stored; an attempt that may have to repeat an
   * earlier one therefore sends the same bytes. Files that only another account can send are fetched too, so that the message is sent
   * by that account.
   */
  async load(
    message: Claimed,
    { signal, ...limits }: FileLimits & { signal: AbortSignal },
  ): Promise<CallFiles | FailedOutcome> {
    const { events, patienceMs = FILES_MS } = this.#options;
    const time = AbortSignal.timeout(patienceMs);
    try {
      return await this.#load(message, limits, AbortSignal.any([signal, time]));
    } catch (error) {
      if (signal.aborted) return STOPPED;
      if (error instanceof FetchFailure) return this.#failureOf(message, error);
      events.failed('media', error);
      return FILES_NOT_READ;
    }
  }

  async #load(
    message: Claimed,
    { maxBytes, maxFetchedBytes }: FileLimits,
    signal: AbortSignal,
  ): Promise<CallFiles | FailedOutcome> {
    const stored = message.media ?? [];
    const storedBytes = sum(stored);
    if (storedBytes > maxBytes) throw tooLarge(maxBytes);
    const fetched = await this.#fetchAll(message, maxFetchedBytes - storedBytes, signal);
    const all = [...fetched, ...stored];
    if (sum(all) > maxFetchedBytes) throw tooLarge(maxFetchedBytes);
    if (sum(all) > maxBytes) return tooLargeForAccount(maxBytes);
    const memory = await this.#memory.take(sum(all), signal);
    try {
      const files: OutgoingFile[] = [];
      for (const [index, file] of all.entries()) {
        const given = index < fetched.length ? message.email?.url_files?.[index] : null;
        files.push({
          url: message.attachments[index] ?? '',
          contentType: file.content_type,
          size: file.size,
          name: sentFileName(given?.filename ?? file.name),
          contentId: given?.content_id ?? ('content_id' in file ? file.content_id : null),
          content: await this.#read(file, signal),
        });
      }
      return { files, [Symbol.dispose]: () => memory[Symbol.dispose]() };
    } catch (error) {
      memory[Symbol.dispose]();
      throw error;
    }
  }

  /** The files behind the URLs of a message, in their order. After a failure, the other requests end. */
  async #fetchAll(message: Claimed, maxBytes: number, signal: AbortSignal): Promise<FetchedFile[]> {
    const { id: messageId, attachments, email } = message;
    const failure = new AbortController();
    const either = AbortSignal.any([signal, failure.signal]);
    const known = new Map((message.fetched ?? []).map((file) => [file.number, file]));
    const results = await Promise.allSettled(
      attachments.map(async (url, index) => {
        const number = index + 1;
        const given = email?.url_files?.[index] ?? null;
        try {
          return (
            known.get(number) ??
            (await fetchAttachment(this.#options, { messageId, number, url, given }, maxBytes, either))
          );
        } catch (error) {
          failure.abort(error);
          throw error;
        }
      }),
    );
    if (failure.signal.aborted) throw failure.signal.reason;
    return results.map((result) => (result as PromiseFulfilledResult<FetchedFile>).value);
  }

  async #read(
    { object_id, size }: Pick<FetchedFile, 'object_id' | 'size'>,
    signal: AbortSignal,
  ): Promise<Buffer> {
    const content = Buffer.allocUnsafe(size);
    let at = 0;
    for await (const part of this.#options.store.read(object_id, 0, size)) {
      signal.throwIfAborted();
      at += part.copy(content, at);
    }
    return content;
  }

  /** A file that cannot be reached is tried again. After a call, the message is not failed because of its files. */
  async #failureOf(message: Claimed, failure: FetchFailure): Promise<FailedOutcome> {
    const outcome = fileFailure(failure);
    if (message.may_have_been_sent) return { ...outcome, outcome: 'unavailable', ...RETRIED };
    if (outcome.outcome !== 'unavailable') return outcome;
    const { pool, events } = this.#options;
    try {
      const { rows } = await execute<{ count: number }>(pool, COUNT_FAILURES, [message.id, outcome.code]);
      // A manual retry of the message has as many attempts again.
      const isLast = ((rows[0]?.count ?? 0) + 1) % MAX_UNREACHABLE === 0;
      return isLast ? { ...outcome, outcome: 'rejected' } : outcome;
    } catch (error) {
      events.failed('media', error);
      return FILES_NOT_READ;
    }
  }
}

const RETRIED = { retryAfterMs: null, isOperatorError: false };

function sum(files: readonly { size: number }[]): number {
  return files.reduce((total, { size }) => total + size, 0);
}
