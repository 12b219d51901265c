import { type Api, byId, type RequestOptions } from '../api.ts';
import type { ApiPromise } from '../api-promise.ts';
import type { Participant, ParticipantFilters, ParticipantPages, ParticipantUpdate } from '../types.ts';

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
}

const linkPath = '/api/participants/{id}/links/{other_id}';
const linkOf = (id: number, other_id: number) => ({ params: { path: { id, other_id } } });

export const participants = ({ call, list }: Api): Participants => ({
  list: (query = {}, options) => list('/api/participants', { query }, options),
  get: (id, options) => call('GET', '/api/participants/{id}', byId(id), options),
  update: (id, body, options) => call('PATCH', '/api/participants/{id}', { ...byId(id), body }, options),
  link: (id, otherId, options) => call('PUT', linkPath, linkOf(id, otherId), options),
  unlink: (id, otherId, options) => call('DELETE', linkPath, linkOf(id, otherId), options),
});
