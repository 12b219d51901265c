import { Router } from 'express';
import type { AccountContext } from './account.ts';
import { find } from './api.ts';
import { refuse } from './errors.ts';
import { type Media, type Message, presentedMedia } from './message.ts';
import { pageOf } from './page.ts';

const MEDIA = '/Accounts/:account/Messages/:sid/Media';
/** The content of every media file: a transparent pixel. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

/** The operations of the Media resource. Media are read through a redirect to a host of its own, as at Twilio. */
export function mediaApi(context: AccountContext): Router {
  const { account, simulation } = context;
  const router = Router();
  router.get(`${MEDIA}.json`, (request, response) => {
    const message = find(account, request, response);
    if (!message) return;
    const page = pageOf(request, 'media_list', message.media, (media) => presentedMedia(message, media));
    if (page) response.json(page);
    else refuse(response, 20001, 'The page token is invalid');
  });
  router.delete(`${MEDIA}/:media.json`, (request, response) => {
    const message = find(account, request, response);
    const media = message && mediaOf(message, request.params.media);
    if (message && !media) return refuse(response, 20404);
    if (!message) return;
    message.media = message.media.filter((each) => each !== media);
    response.status(204).end();
  });
  router.get([`${MEDIA}/:media.json`, `${MEDIA}/:media`], (request, response) => {
    const message = find(account, request, response);
    const media = message && mediaOf(message, request.params.media);
    if (message && !media) return refuse(response, 20404);
    if (!message || !media) return;
    if (request.path.endsWith('.json')) response.json(presentedMedia(message, media));
    else response.redirect(307, `${simulation.url}/twilio-media/${media.sid}?type=${media.contentType}`);
  });
  return router;
}

/** The host of the media files. It refuses credentials: a client must not send them to the target of a redirect. */
export function mediaContent(): Router {
  const router = Router();
  router.get('/:media', (request, response) => {
    if (request.get('authorization') !== undefined)
      return void response.status(400).type('text/plain').send('Credentials are not allowed here');
    response.type(String(request.query.type)).send(PIXEL);
  });
  return router;
}

function mediaOf({ media }: Message, sid: unknown): Media | undefined {
  return media.find((each) => each.sid === sid);
}
