import { type Request, type Response, Router } from 'express';
import type { AccountContext } from './account.ts';
import { errorBody, refuse } from './errors.ts';
import { PROFILE_ID, presented } from './message.ts';
import { createMessage } from './send.ts';

/** The operations of messages and messaging profiles. openapi.yaml validates the requests. */
export function messagesApi(context: AccountContext): Router {
  const router = Router();
  router.use((_request, response, next) => {
    response.set({ 'x-ratelimit-limit': '50', 'x-ratelimit-remaining': '49', 'x-ratelimit-reset': '1' });
    next();
  });
  router.get(/.*/, async (request, response, next) => {
    if (!(await endsLookUpByFault(context, request, response))) next();
  });
  router.post('/messages', (request, response) => createMessage(context, request, response, false));
  router.post('/messages/group_mms', (request, response) => createMessage(context, request, response, true));
  router.get('/messages/:id', (request, response) => {
    const message = context.account.messages.get(String(request.params.id));
    if (message) response.json({ data: presented(message) });
    else refuse(response, 10005);
  });
  router.get('/messaging_profiles', (_request, response) => {
    const meta = { total_pages: 1, total_results: 1, page_number: 1, page_size: 1 };
    response.json({ data: [profile(context)], meta });
  });
  router.get('/messaging_profiles/:id', (request, response) => {
    if (request.params.id === PROFILE_ID) response.json({ data: profile(context) });
    else refuse(response, 10005);
  });
  return router;
}

function profile({ simulation }: AccountContext): object {
  const { profile_enabled: enabled, webhook_url } = simulation.settings.telnyx;
  return {
    ...{ record_type: 'messaging_profile', id: PROFILE_ID, name: 'Simulated profile', enabled },
    ...{ webhook_url, webhook_api_version: '2' },
  };
}

function endsLookUpByFault(
  { simulation }: AccountContext,
  request: Request,
  response: Response,
): Promise<boolean> {
  return simulation.endsByFault(
    { kind: 'lookup', dialect: 'telnyx', channel: 'sms', recipients: [] },
    {
      ...{ request, response, acceptedStatus: 200, proceed: () => undefined },
      errorBody: (status, code) => errorBody(status, code === undefined ? undefined : Number(code)),
    },
  );
}
