import { type RequestHandler, Router } from 'express';
import type { ProviderFile } from '../../media/files.ts';
import { serveFile } from '../../media/serve.ts';
import type { Simulation } from '../../simulation.ts';
import type { Account } from './account.ts';
import { requireToken } from './credentials.ts';
import { errorBody, refuse } from './errors.ts';

/** The types of media; each is also the name of the field with the URL. */
export const MEDIA = ['image', 'audio', 'video', 'vcard', 'file'];

/** The field of an inbound message with this file. */
export function mediaFieldOf({ id, contentType, name }: ProviderFile, url: string): Record<string, object> {
  const [top = ''] = contentType.split('/', 1);
  const type = contentType === 'text/vcard' ? 'vcard' : MEDIA.includes(top) ? top : 'file';
  return { [type]: { url: `${url}/vonage/v3/media/${id}`, name: name ?? id } };
}

/** The URLs of the media of a request to send. */
export function mediaUrlsOf(request: Record<string, unknown>): string[] {
  return MEDIA.flatMap((type) => (request[type] as { url?: string } | undefined)?.url ?? []);
}

/**
 * The files of inbound messages. With `Secure Inbound Media` they are read with a token of the application, otherwise by anyone
 * who knows the URL. Source: https://developer.vonage.com/en/messages/concepts/secure-inbound-media
 */
export function mediaApi(simulation: Simulation, account: Account): Router {
  const router = Router();
  const withToken = requireToken(account);
  const authenticate: RequestHandler = (request, response, next) => {
    if (simulation.settings.vonage.secure_media) withToken(request, response, next);
    else next();
  };
  router.get('/:id', authenticate, async (request, response) => {
    const file = simulation.files.get(request.params.id);
    if (!file) return refuse(response, { status: 404 });
    await serveFile(simulation, {
      ...{ dialect: 'vonage', channel: 'sms', file, request, response },
      errorBody: (status, code) => errorBody(status, code === undefined ? undefined : Number(code)),
    });
  });
  return router;
}
