import express, { type RequestHandler, Router } from 'express';
import type { Dialect } from '../../dialect.ts';
import { logCalls } from '../../middleware/log-calls.ts';
import { validate } from '../../middleware/validate.ts';
import type { Simulation } from '../../simulation.ts';
import { emailApi } from './api.ts';
import { checkSignature, keepBody } from './credentials.ts';
import { handleError, refuse } from './errors.ts';
import { receivedOf } from './received.ts';
import { snsKey } from './sns/signature.ts';
import { Topic } from './sns/topic.ts';

export interface SesOptions {
  /** The topic of the events; default: the topic of the account that the service has at the simulator. */
  topicArn?: string | undefined;
}

const TOPIC = 'arn:aws:sns:us-east-1:123456789012:simulator';

const notFound: RequestHandler = (_request, response) =>
  refuse(response, 'UnknownOperationException', 'Unknown operation');

/**
 * The API of Amazon SES under `/ses`, and Amazon SNS, whose certificate and confirmations are at the root.
 *
 * @param apiKey the secret access key; without a key, requests with any signature are accepted.
 */
export function createSesDialect(
  simulation: Simulation,
  apiKey: string | undefined,
  { topicArn = TOPIC }: SesOptions = {},
): Dialect {
  const topic = new Topic(topicArn, simulation);
  const routes = Router();
  routes.use(
    '/ses/v2/email',
    logCalls('ses', 'email', simulation),
    express.json({ limit: '80mb', verify: keepBody }),
    checkSignature(apiKey),
    validate,
    emailApi({ simulation, topic }),
    notFound,
    handleError,
  );
  routes.get(/^\/SimpleNotificationService-[0-9a-f]+\.pem$/, (request, response, next) => {
    const { path, certificate } = snsKey();
    if (request.path !== path) return next();
    response.type('application/x-pem-file').send(certificate);
  });
  routes.get('/', (request, response, next) => {
    const { Action, TopicArn, Token } = request.query;
    if (Action !== 'ConfirmSubscription') return next();
    const isConfirmed = TopicArn === topic.arn && topic.confirm(String(Token));
    response
      .status(isConfirmed ? 200 : 400)
      .type('xml')
      .send(isConfirmed ? CONFIRMED : INVALID);
  });
  return {
    routes,
    inbound: (_channel, fields) => topic.publish(JSON.stringify(receivedOf(fields))),
    reset: () => topic.clear(),
  };
}

const CONFIRMED = '<ConfirmSubscriptionResponse xmlns="https://sns.amazonaws.com/doc/2010-03-31/"/>';
const INVALID =
  '<ErrorResponse><Error><Type>Sender</Type><Code>InvalidParameter</Code></Error></ErrorResponse>';
