import { type Api, byId, type RequestOptions } from '../api.ts';
import type { ApiPromise } from '../api-promise.ts';
import type { Erasure, ErasureFilters, ErasurePages } from '../types.ts';

export interface Erasures {
  /** All erasures, the newest first. */
  list(filters?: ErasureFilters, options?: RequestOptions): ErasurePages;
  /** One erasure with its progress. @throws {NotFoundError} */
  get(id: number, options?: RequestOptions): ApiPromise<Erasure>;
}

export const erasures = ({ call, list }: Api): Erasures => ({
  list: (query = {}, options) => list('/api/erasures', { query }, options),
  get: (id, options) => call('GET', '/api/erasures/{id}', byId(id), options),
});
