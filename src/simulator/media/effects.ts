import type { Response } from 'express';
import type { ProviderFile } from './files.ts';
import { sendFile } from './send.ts';

/** The faults that only requests for files have. */
export type FileFault =
  | { type: 'redirect'; location: string }
  | { type: 'content_type'; content_type: string }
  | { type: 'oversize'; bytes: number }
  | { type: 'trickle'; ms: number };

/** The part of an exchange that these faults need. */
interface FileExchange {
  response: Response;
  /** Undefined if the request is not for a file. */
  file?: ProviderFile;
}

type Of<Type> = Extract<FileFault, { type: Type }>;
type Effect<Type> = (fault: Of<Type>, exchange: FileExchange) => Promise<void> | void;

/** Each effect ends the exchange. */
export const fileEffects: { [Type in FileFault['type']]: Effect<Type> } = {
  redirect: ({ location }, { response }) => response.redirect(307, location),
  content_type: ({ content_type: contentType }, { response, file }) =>
    file && sendFile(response, file, { contentType }),
  oversize: ({ bytes: extraBytes }, { response, file }) => file && sendFile(response, file, { extraBytes }),
  trickle: ({ ms: msPerByte }, { response, file }) => file && sendFile(response, file, { msPerByte }),
};
