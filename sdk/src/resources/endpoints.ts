import { type Api, byId, once, type RequestOptions } from '../api.ts';
import type { ApiPromise } from '../api-promise.ts';
import type {
  Endpoint,
  EndpointAttemptFilters,
  EndpointAttemptPages,
  EndpointChange,
  EndpointFilters,
  EndpointPages,
  EndpointReplay,
  EndpointTestResult,
  EndpointWithSecret,
  NewEndpoint,
} from '../types.ts';

export interface Endpoints {
  /** Registers a URL for events. Only this response and that of `rotateSecret` have the secret. Not retried by default. */
  create(endpoint: NewEndpoint, options?: RequestOptions): ApiPromise<EndpointWithSecret>;
  /** All endpoints, the newest first. */
  list(filters?: EndpointFilters, options?: RequestOptions): EndpointPages;
  /** The endpoint with its position and the numbers of its open and failed deliveries. */
  get(id: number, options?: RequestOptions): ApiPromise<Endpoint>;
  /** Changes the given fields only. `enabled: true` continues after the position of the endpoint. */
  update(id: number, changes: EndpointChange, options?: RequestOptions): ApiPromise<Endpoint>;
  /** Deletes the endpoint with its deliveries. Resolves to an empty object. */
  delete(id: number, options?: RequestOptions): ApiPromise<object>;
  /** Makes a new secret; the previous secret is valid for 24 hours. Not retried by default. */
  rotateSecret(id: number, options?: RequestOptions): ApiPromise<EndpointWithSecret>;
  /** Sends one event of the type `endpoint.test`. Not retried by default. */
  test(id: number, options?: RequestOptions): ApiPromise<EndpointTestResult>;
  /** Delivers the events after a position again, or the events whose attempts have ended without success. */
  replay(id: number, replay: EndpointReplay, options?: RequestOptions): ApiPromise<Endpoint>;
  /** The attempts to deliver events, the newest first. */
  attempts(id: number, filters?: EndpointAttemptFilters, options?: RequestOptions): EndpointAttemptPages;
}

const path = '/api/endpoints/{id}';

export const endpoints = ({ call, list }: Api): Endpoints => ({
  create: (body, options) => call('POST', '/api/endpoints', { body }, once(options)),
  list: (query = {}, options) => list('/api/endpoints', { query }, options),
  get: (id, options) => call('GET', path, byId(id), options),
  update: (id, body, options) => call('PATCH', path, { ...byId(id), body }, options),
  delete: (id, options) => call('DELETE', path, byId(id), options),
  rotateSecret: (id, options) => call('POST', `${path}/rotate-secret`, byId(id), once(options)),
  test: (id, options) => call('POST', `${path}/test`, byId(id), once(options)),
  replay: (id, body, options) => call('POST', `${path}/replay`, { ...byId(id), body }, options),
  attempts: (id, query = {}, options) => list(`${path}/attempts`, { path: { id }, query }, options),
});
