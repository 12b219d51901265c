import { type Request, type Response, Router } from 'express';
import type { Account, AccountContext } from './account.ts';
import { errorBody, refuse } from './errors.ts';
import { hasValidTimes, listed } from './list.ts';
import { type Message, presented } from './message.ts';
import { pageOf } from './page.ts';
import { createMessage } from './send.ts';

const MESSAGES = '/Accounts/:account/Messages';

/** The operations of the Message resource. openapi.yaml validates the requests. */
export function messagesApi(context: AccountContext): Router {
  const { account } = context;
  const router = Router();
  router.get(/.*/, async (request, response, next) => {
    if (!(await endsLookUpByFault(context, request, response))) next();
  });
  router.post(`${MESSAGES}.json`, (request, response) => createMessage(context, request, response));
  router.get(`${MESSAGES}.json`, (request, response) => {
    const query = request.query as Record<string, string | undefined>;
    if (!hasValidTimes(query)) return refuse(response, 20001, 'DateSent is not a time');
    const page = pageOf(request, 'messages', listed(context, query), presented);
    if (page) response.json(page);
    else refuse(response, 20001, 'The page token is invalid');
  });
  router.get(`${MESSAGES}/:sid.json`, (request, response) => {
    const message = find(account, request, response);
    if (message) response.json(presented(message));
  });
  router.post(`${MESSAGES}/:sid.json`, (request, response) => {
    const message = find(account, request, response);
    if (message) update(message, request, response);
  });
  router.delete(`${MESSAGES}/:sid.json`, (request, response) => {
    const message = find(account, request, response);
    if (!message) return;
    account.messages.delete(message.sid);
    response.status(204).end();
  });
  return router;
}

function endsLookUpByFault(
  { simulation }: AccountContext,
  request: Request,
  response: Response,
): Promise<boolean> {
  return simulation.endsByFault(
    { kind: 'lookup', dialect: 'twilio', channel: 'sms', recipients: [] },
    {
      ...{ request, response, acceptedStatus: 200, proceed: () => undefined },
      errorBody: (status, code) => errorBody(status, code === undefined ? undefined : Number(code)),
    },
  );
}

/** The message of the path; responds with an error if there is none. */
export function find(account: Account, request: Request, response: Response): Message | undefined {
  const message = account.messages.get(String(request.params.sid));
  if (!message) refuse(response, 20404, `The requested resource ${request.path} was not found`);
  return message;
}

/** Removes the body of a message. Scheduled messages could be canceled, but the simulator has none. */
function update(message: Message, { body }: Request, response: Response): void {
  if (body.Status !== undefined) {
    refuse(response, 30409);
    return;
  }
  if (body.Body !== undefined) {
    message.body = '';
    message.updatedAt = new Date();
  }
  response.json(presented(message));
}
