import type { Api, RequestOptions } from '../api.ts';
import type { Participant, ParticipantFilters, ParticipantPages, ParticipantUpdate } from '../types.ts';

export interface Participants {
  /** Every address that took part in anything, or the one that is looked up by `address`. */
  list(filters?: ParticipantFilters, options?: RequestOptions): ParticipantPages;
  /** With every link to another address of the same person. */
  get(id: number, options?: RequestOptions): Promise<Participant>;
  /** What is left out stays as it is; a null takes the name away. */
  update(id: number, changes: ParticipantUpdate, options?: RequestOptions): Promise<Participant>;
  /** Says that two addresses are one person's: conversations with the same people become one. @throws {ConflictError} */
  link(id: number, otherId: number, options?: RequestOptions): Promise<Participant>;
  /** Takes that back. @throws {NotFoundError} where there is no such link (any more) */
  unlink(id: number, otherId: number, options?: RequestOptions): Promise<Participant>;
}

const linkPath = '/api/participants/{id}/links/{other_id}';

export const participants = ({ raw, call, list }: Api): Participants => ({
  list: (filters = {}, options) =>
    list(options, filters.cursor, (init, cursor) =>
      raw.GET('/api/participants', { ...init, params: { query: { ...filters, ...cursor } } }),
    ),
  get: (id, options) =>
    call(options, (init) => raw.GET('/api/participants/{id}', { ...init, params: { path: { id } } })),
  update: (id, body, options) =>
    call(options, (init) => raw.PATCH('/api/participants/{id}', { ...init, params: { path: { id } }, body })),
  link: (id, other_id, options) =>
    call(options, (init) => raw.PUT(linkPath, { ...init, params: { path: { id, other_id } } })),
  unlink: (id, other_id, options) =>
    call(options, (init) => raw.DELETE(linkPath, { ...init, params: { path: { id, other_id } } })),
});
