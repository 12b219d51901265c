import type { Request, Response } from 'express';
import type { ProviderRequest } from '../fault-list.ts';
import type { Exchange, Fault } from '../faults.ts';
import type { Simulation } from '../simulation.ts';
import type { ProviderFile } from './files.ts';
import { sendFile } from './send.ts';

export interface FileRequest extends Pick<ProviderRequest, 'dialect' | 'channel'> {
  file: ProviderFile;
  request: Request;
  response: Response;
  errorBody: Exchange['errorBody'];
  /** The types of faults that affect the request; default: all. */
  types?: (type: Fault['type']) => boolean;
}

/** Responds with a file, unless a fault ends the request. */
export async function serveFile(simulation: Simulation, request: FileRequest): Promise<void> {
  if (!(await endsByFileFault(simulation, request))) await sendFile(request.response, request.file);
}

/** Applies the faults of a request for a file. Returns whether a fault ended the request. */
export function endsByFileFault(
  simulation: Simulation,
  { dialect, channel, types, file, ...exchange }: FileRequest,
): Promise<boolean> {
  return simulation.endsByFault(
    { kind: 'file', dialect, channel, recipients: [], file: file.id, ...(types && { types }) },
    { ...exchange, file, proceed: () => undefined, acceptedStatus: 200 },
  );
}
