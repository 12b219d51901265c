import { type Api, byId, type RequestOptions } from '../api.ts';
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

/** These requests have a further effect if they are repeated: another endpoint, the end of a secret, another test event. */
const once = (options?: RequestOptions) => ({ ...options, maxRetries: options?.maxRetries ?? 0 });

const path = '/api/endpoints/{id}';

export const endpoints = ({ raw, call, list }: Api): Endpoints => ({
  create: (body, options) => call({ body }, once(options), (init) => raw.POST('/api/endpoints', init)),
  list: (query = {}, options) =>
    list({ params: { query } }, options, (init) => raw.GET('/api/endpoints', init)),
  get: (id, options) => call(byId(id), options, (init) => raw.GET(path, init)),
  update: (id, body, options) => call({ ...byId(id), body }, options, (init) => raw.PATCH(path, init)),
  delete: (id, options) => call(byId(id), options, (init) => raw.DELETE(path, init)),
  rotateSecret: (id, options) =>
    call(byId(id), once(options), (init) => raw.POST(`${path}/rotate-secret`, init)),
  test: (id, options) => call(byId(id), once(options), (init) => raw.POST(`${path}/test`, init)),
  replay: (id, body, options) =>
    call({ ...byId(id), body }, options, (init) => raw.POST(`${path}/replay`, init)),
  attempts: (id, query = {}, options) =>
    list({ params: { path: { id }, query } }, options, (init) => raw.GET(`${path}/attempts`, init)),
});
