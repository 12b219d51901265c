import pLimit from 'p-limit';
import type pg from 'pg';
import { storedFunction } from '../../db/functions.ts';
import { execute } from '../../db/transaction.ts';
import { InvalidRequestError, PayloadTooLargeError, ServiceError, UnavailableError } from '../../errors.ts';
import type { Events } from '../../observability/events.ts';
import { readCsv } from './csv.ts';
import { ImportErrors } from './errors.ts';
import { type Header, readHeader } from './header.ts';
import { type ImportResult, withCounts } from './result.ts';
import { type ImportRow, type RowOptions, readRow } from './row.ts';

export interface ImporterOptions extends RowOptions {
  pool: pg.Pool;
  events: Events;
  /** Called after the commit of changes. */
  onChanged: () => void;
}

/** Max rows of a file, which bounds the memory of its errors. */
export const MAX_ROWS = 1_000_000;
/** Rows that are parsed and stored at once. Other requests are served in between. */
const BATCH_SIZE = 500;

const IMPORT = {
  name: 'import-suppressions',
  text: `select * from ${storedFunction('import_suppressions')}($1, $2)`,
};

type Counts = Pick<ImportResult, 'added' | 'changed' | 'unchanged'>;

/** Imports CSV files. All imports of a process use one connection at a time, so that they do not delay messages. */
export class Importer {
  readonly #options: ImporterOptions;
  readonly #limit = pLimit(1);
  #stopped = false;

  constructor(options: ImporterOptions) {
    this.#options = options;
  }

  /** Ends imports before their next batch. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Stores the rows of a file in batches. The batches before an error stay.
   *
   * @throws {InvalidRequestError} if the file has no valid header, or stops being valid CSV in UTF-8.
   * @throws {ServiceError} if the file is too large, incomplete or late, or the database is unavailable.
   */
  async run(file: AsyncIterable<Buffer>, actor: string | null): Promise<ImportResult> {
    const result = { rows: 0, added: 0, changed: 0, unchanged: 0, errors: new ImportErrors() };
    let isWhole = false;
    try {
      await this.#read(file, actor, result);
      isWhole = true;
    } catch (error) {
      throw withCounts(error, result);
    } finally {
      const { errors, ...counts } = result;
      this.#options.events.suppressionsImported({ ...counts, rejected: errors.count, actor, isWhole });
    }
    return result;
  }

  async #read(file: AsyncIterable<Buffer>, actor: string | null, result: ImportResult): Promise<void> {
    let header: Header | undefined;
    let batch: ImportRow[] = [];
    const store = async () => {
      const rows = batch;
      batch = [];
      if (rows.length > 0) await this.#store(rows, actor, result);
    };
    try {
      for await (const { line, fields } of readCsv(file)) {
        if (!header) {
          header = readHeader(fields);
          continue;
        }
        if (result.rows === MAX_ROWS)
          throw new ServiceError('payload_too_large', `The file has more than ${MAX_ROWS} rows.`);
        result.rows++;
        const row = readRow(header, fields, this.#options);
        if (typeof row === 'string') result.errors.add(line, row);
        else if (batch.push(row) === BATCH_SIZE) await store();
      }
    } catch (error) {
      // The rows before an error of the file are stored, so that its message can say so.
      if (error instanceof InvalidRequestError || error instanceof PayloadTooLargeError) await store();
      throw error;
    }
    if (!header) throw new InvalidRequestError([{ path: '/body', message: 'has no header row' }]);
    await store();
  }

  async #store(rows: ImportRow[], actor: string | null, result: ImportResult): Promise<void> {
    const input = JSON.stringify(rows.map((row, n) => ({ n, ...row })));
    const counts = await this.#limit(async () => {
      if (this.#stopped) throw new UnavailableError('The service is stopping.');
      const { rows: counted } = await execute<Counts>(this.#options.pool, IMPORT, [input, actor]);
      return counted[0] as Counts;
    });
    result.added += counts.added;
    result.changed += counts.changed;
    result.unchanged += counts.unchanged;
    if (counts.added + counts.changed > 0) this.#options.onChanged();
  }
}
