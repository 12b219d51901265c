import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Response } from 'express';
import { contentOf, type ProviderFile } from './files.ts';

/** Differences from a correct response. */
export interface SendOptions {
  /** In place of the type of the file. */
  contentType?: string;
  /** The number of bytes after the end of the file. The response has no `Content-Length` then. */
  extraBytes?: number;
  /** The delay after each byte, in milliseconds. */
  msPerByte?: number;
}

/** Responds with the content of a file. Resolves when it is sent, or the client has closed the connection. */
export async function sendFile(
  response: Response,
  file: ProviderFile,
  { contentType = file.contentType, extraBytes = 0, msPerByte }: SendOptions = {},
): Promise<void> {
  if (file.name !== null) response.attachment(file.name);
  response.set('content-type', contentType);
  if (extraBytes === 0) response.set('content-length', String(file.size));
  const content = Readable.from(partsOf(file, extraBytes, msPerByte), { objectMode: false });
  // An error is an abort by the client.
  await pipeline(content, response).catch(() => undefined);
}

async function* partsOf(file: ProviderFile, extraBytes: number, msPerByte: number | undefined) {
  for (const part of contentOf(file))
    if (msPerByte === undefined) yield part;
    else
      for (const byte of part) {
        yield Buffer.of(byte);
        await sleep(msPerByte, undefined, { ref: false });
      }
  if (extraBytes > 0) yield* contentOf({ id: file.id, content: null, size: extraBytes });
}
