import { type Api, byId, type RequestOptions } from '../api.ts';
import type { ApiPromise } from '../api-promise.ts';
import { exportLines } from '../export-lines.ts';
import type {
  Erasure,
  ErasureOptions,
  ExportLine,
  Participant,
  ParticipantExportOptions,
  ParticipantFilters,
  ParticipantPages,
  ParticipantUpdate,
} from '../types.ts';

export interface Participants {
  /** All participants, or those with `address` or `external_id`. */
  list(filters?: ParticipantFilters, options?: RequestOptions): ParticipantPages;
  /** The participant with its current and former links. */
  get(id: number, options?: RequestOptions): ApiPromise<Participant>;
  /** Changes the given fields only; null removes a name or an external id, and `metadata` replaces all pairs. */
  update(id: number, changes: ParticipantUpdate, options?: RequestOptions): ApiPromise<Participant>;
  /** Links two addresses of one person: conversations with the same people are merged. @throws {ConflictError} */
  link(id: number, otherId: number, options?: RequestOptions): ApiPromise<Participant>;
  /** Removes a link. @throws {NotFoundError} without a current link between the two. */
  unlink(id: number, otherId: number, options?: RequestOptions): ApiPromise<Participant>;
  /**
   * Erases the participant, or with `person` all addresses of the person. If `state` of the result is `running`, the erasure goes on;
   * `erasures.get` shows its progress. Repeating returns the same erasure.
   *
   * @throws {NotFoundError}
   * @throws {ConflictError} if the address is a configured sender.
   */
  erase(id: number, query?: ErasureOptions, options?: RequestOptions): ApiPromise<Erasure>;
  /**
   * Everything that is stored about the participant, or about the person, line by line. The request is made by the first iteration.
   *
   * @throws {ConnectionError} if the export is incomplete.
   */
  export(
    id: number,
    query?: ParticipantExportOptions,
    options?: RequestOptions,
  ): AsyncIterableIterator<ExportLine, void>;
}

const linkPath = '/api/participants/{id}/links/{other_id}';
const linkOf = (id: number, other_id: number) => ({ params: { path: { id, other_id } } });

export const participants = ({ call, list, open }: Api): Participants => ({
  list: (query = {}, options) => list('/api/participants', { query }, options),
  get: (id, options) => call('GET', '/api/participants/{id}', byId(id), options),
  update: (id, body, options) => call('PATCH', '/api/participants/{id}', { ...byId(id), body }, options),
  link: (id, otherId, options) => call('PUT', linkPath, linkOf(id, otherId), options),
  unlink: (id, otherId, options) => call('DELETE', linkPath, linkOf(id, otherId), options),
  erase: (id, query = {}, options) =>
    call('DELETE', '/api/participants/{id}', { params: { path: { id }, query } }, options),
  export: (id, query = {}, options) =>
    exportLines(
      () => open('/api/participants/{id}/export', { path: { id }, query }, options),
      options?.signal,
    ),
});
