import { type Api, byId, type RequestOptions } from '../api.ts';
import type { ApiPromise } from '../api-promise.ts';
import { type FileContent, fileRequest } from '../files.ts';
import { UNLIMITED } from '../retry.ts';
import type { Channel, MediaFile } from '../types.ts';

export interface UploadOptions extends RequestOptions {
  /** The name of the file, without a path. Default: the name of a `File`. */
  name?: string | undefined;
  /** Refuses a file that no message of the channel can have. */
  channel?: Channel | undefined;
  /** The type of the file, such as `image/jpeg`. Required unless the file is a `Blob` with a type. */
  contentType?: string | undefined;
}

export interface DownloadOptions extends RequestOptions {
  /** The bytes to read, such as `bytes=0-999` (RFC 9110, section 14). Default: all. */
  range?: string | undefined;
}

export interface Media {
  /**
   * Stores a file that messages can name in `media_ids`. By default without a timeout. A retry requires the bytes that were sent,
   * so a stream is kept in memory unless `maxRetries` is 0.
   *
   * @throws {InvalidRequestError} if the file is empty or too large, or has a type that the channel does not allow.
   */
  upload(file: FileContent, options?: UploadOptions): ApiPromise<MediaFile>;
  /** The description of the file, with a new link. */
  get(id: number, options?: RequestOptions): ApiPromise<MediaFile>;
  /** The content, which arrives while it is read. `signal` also ends the stream; `timeout` applies until it starts. */
  content(id: number, options?: DownloadOptions): ApiPromise<ReadableStream<Uint8Array>>;
}

export const media = ({ call, open }: Api): Media => ({
  upload: (file, { name = (file as File).name, channel, contentType, ...options } = {}) =>
    call('POST', '/api/media', fileRequest(file, contentType, { name, channel }), {
      timeout: UNLIMITED,
      ...options,
    }),
  get: (id, options) => call('GET', '/api/media/{id}', byId(id), options),
  content: (id, { range, ...options } = {}) =>
    open('/api/media/{id}/content', { path: { id }, header: { Range: range } as object }, options),
});
