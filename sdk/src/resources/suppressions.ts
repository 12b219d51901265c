import { type Api, once, type RequestOptions } from '../api.ts';
import type { ApiPromise } from '../api-promise.ts';
import { fileRequest } from '../files.ts';
import { UNLIMITED } from '../retry.ts';
import type {
  ImportResult,
  NewSuppression,
  Suppression,
  SuppressionExportFilters,
  SuppressionFilters,
  SuppressionHistoryFilters,
  SuppressionHistoryPages,
  SuppressionPages,
  SuppressionSelector,
} from '../types.ts';

export interface Suppressions {
  /** The entries that match all filters, the newest first. */
  list(filters?: SuppressionFilters, options?: RequestOptions): SuppressionPages;
  /** Stops messages to an address: adds a reason to its entry, which is made if there is none. */
  put(address: string, entry?: NewSuppression, options?: RequestOptions): ApiPromise<Suppression>;
  /** Removes the entry with this scope and sender, with all its reasons. @throws {NotFoundError} */
  remove(address: string, entry: SuppressionSelector, options?: RequestOptions): ApiPromise<object>;
  /** Every change of the entries of an address, the newest first. */
  history(
    address: string,
    filters?: SuppressionHistoryFilters,
    options?: RequestOptions,
  ): SuppressionHistoryPages;
  /**
   * Adds the rows of a CSV file. By default without a timeout and without retries; a stream can be sent once only.
   *
   * @throws {InvalidRequestError} if the file is not valid CSV; `errors` names the line.
   */
  import(
    file: string | Blob | ReadableStream<Uint8Array>,
    options?: RequestOptions,
  ): ApiPromise<ImportResult>;
  /** The entries as a CSV file, which arrives while it is read. An error of the stream means that the file is incomplete. */
  export(
    filters?: SuppressionExportFilters,
    options?: RequestOptions,
  ): ApiPromise<ReadableStream<Uint8Array>>;
}

const path = '/api/suppressions/{address}';

export const suppressions = ({ call, list, open }: Api): Suppressions => ({
  list: (query = {}, options) => list('/api/suppressions', { query }, options),
  put: (address, body = {}, options) => call('PUT', path, { params: { path: { address } }, body }, options),
  remove: (address, query, options) =>
    call('DELETE', path, { params: { path: { address }, query } }, options),
  history: (address, query = {}, options) => list(`${path}/history`, { path: { address }, query }, options),
  import: (file, options) =>
    call('POST', '/api/suppressions/import', fileRequest(file, 'text/csv'), {
      timeout: UNLIMITED,
      ...once(options),
    }),
  export: (query = {}, options) => open('/api/suppressions/export', { query }, options),
});
