import { type Request, type Response, Router } from 'express';
import { endsByFileFault, serveFile } from '../../media/serve.ts';
import type { Simulation } from '../../simulation.ts';
import type { AccountContext } from './account.ts';
import { find } from './api.ts';
import { errorBody as bodyOf, refuse } from './errors.ts';
import { type Media, type Message, presentedMedia } from './message.ts';
import { pageOf } from './page.ts';

const MEDIA = '/Accounts/:account/Messages/:sid/Media';
const MEDIA_REQUEST = { dialect: 'twilio', channel: 'sms' } as const;
/** The faults of the content; all others affect the request that is redirected to the content. */
const OF_CONTENT = new Set(['content_type', 'oversize', 'trickle']);
const errorBody = (status: number, code: string | number | undefined) =>
  bodyOf(status, code === undefined ? undefined : Number(code));
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
    else return redirect(simulation, message, media, request, response);
  });
  return router;
}

/** Redirects to the content. Faults of the content follow there. */
async function redirect(
  simulation: Simulation,
  message: Message,
  { sid, file }: Media,
  request: Request,
  response: Response,
): Promise<void> {
  const types = (type: string) => !OF_CONTENT.has(type);
  if (await endsByFileFault(simulation, { ...MEDIA_REQUEST, types, file, request, response, errorBody }))
    return;
  response.redirect(307, `${simulation.url}/twilio-media/${message.sid}/${sid}`);
}

/** The host of the media files. It refuses credentials: a client must not send them to the target of a redirect. */
export function mediaContent({ account, simulation }: AccountContext): Router {
  const router = Router();
  router.get('/:sid/:media', async (request, response) => {
    if (request.get('authorization') !== undefined)
      return void response.status(400).type('text/plain').send('Credentials are not allowed here');
    const message = account.messages.get(request.params.sid);
    const media = message && mediaOf(message, request.params.media);
    if (!media) return void response.status(404).type('text/plain').send('There is no such file');
    const types = (type: string) => OF_CONTENT.has(type);
    await serveFile(simulation, { ...MEDIA_REQUEST, types, file: media.file, request, response, errorBody });
  });
  return router;
}

function mediaOf({ media }: Message, sid: unknown): Media | undefined {
  return media.find((each) => each.sid === sid && !each.file.isDeleted);
}
