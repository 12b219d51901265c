import { Router } from 'express';
import type { AccountContext } from './account.ts';
import { usesApiKey } from './credentials.ts';
import { refuse } from './errors.ts';

/** The Account resource, which API keys may not read. */
export function accountApi({ account }: AccountContext): Router {
  const router = Router();
  router.get('/Accounts/:account.json', (request, response) => {
    if (usesApiKey(request)) return refuse(response, 20003);
    response.json({
      ...{ sid: account.sid, friendly_name: 'Simulated account', status: 'active', type: 'Full' },
      uri: request.originalUrl.replace(/^\/twilio/, ''),
    });
  });
  return router;
}
