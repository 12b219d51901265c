import { Router } from 'express';
import type { ProviderFile } from '../../media/files.ts';
import { serveFile } from '../../media/serve.ts';
import type { Simulation } from '../../simulation.ts';
import { errorBody } from './errors.ts';

/** The field `media` of an inbound message. Source: https://developers.telnyx.com/docs/messaging/messages/send-receive-mms */
export function mediaOf(files: readonly ProviderFile[], url: string): object[] {
  return files.map(({ id, contentType: content_type, size, sha256 }) => ({
    ...{ url: `${url}/telnyx-media/${id}`, content_type, size, sha256 },
  }));
}

/** The host of the media files: an object store, whose URLs need no credentials and which refuses those of another service. */
export function mediaContent(simulation: Simulation): Router {
  const router = Router();
  router.get('/:id', async (request, response) => {
    if (request.get('authorization') !== undefined)
      return void response.status(400).type('xml').send('<Error><Code>InvalidArgument</Code></Error>');
    const file = simulation.files.get(request.params.id);
    if (!file) return void response.status(404).type('xml').send('<Error><Code>NoSuchKey</Code></Error>');
    await serveFile(simulation, {
      ...{ dialect: 'telnyx', channel: 'sms', file, request, response },
      errorBody: (status, code) => errorBody(status, code === undefined ? undefined : Number(code)),
    });
  });
  return router;
}
