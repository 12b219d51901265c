import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type Express } from 'express';
import * as OpenApiValidator from 'express-openapi-validator';
import { controlApi } from './control-api.ts';
import type { Dialect } from './dialect.ts';
import { createPostmarkDialect, type PostmarkOptions } from './dialects/postmark/dialect.ts';
import { createResendDialect } from './dialects/resend/dialect.ts';
import { createSendGridDialect } from './dialects/sendgrid/dialect.ts';
import { createSesDialect, type SesOptions } from './dialects/ses/dialect.ts';
import { createSmtpDialect } from './dialects/smtp/dialect.ts';
import { type SmtpOptions, startSmtpServer } from './dialects/smtp/server.ts';
import { createStandardDialect } from './dialects/standard/dialect.ts';
import { createTelnyxDialect, type TelnyxOptions } from './dialects/telnyx/dialect.ts';
import { createTwilioDialect, type TwilioOptions } from './dialects/twilio/dialect.ts';
import { createVonageDialect, type VonageOptions } from './dialects/vonage/dialect.ts';
import { answerError } from './middleware/error-response.ts';
import { refuseForeign } from './middleware/foreign.ts';
import { validate } from './middleware/validate.ts';
import { type DialectName, defaults, merge, type SettingsChange } from './settings.ts';
import { Simulation } from './simulation.ts';

const MAX_EMAIL_BYTES = 25 * 1_048_576;

export interface SimulatorOptions {
  host?: string;
  /** 0 for any free port. */
  port?: number;
  /**
   * The bearer key, also of Telnyx, Resend and SendGrid, the server token of Postmark, the auth token of Twilio, and the secret access key of SES that requests must have,
   * and the signature secret of Vonage; default: any credentials are accepted.
   */
  apiKey?: string | undefined;
  /** `whsec_…`; default: webhooks are not signed. */
  webhookSecret?: string | undefined;
  /** The account of the Twilio dialect. */
  twilio?: TwilioOptions;
  /** The account of the Telnyx dialect. */
  telnyx?: TelnyxOptions;
  /** The account of the Vonage dialect. */
  vonage?: VonageOptions;
  /** The account of the SES dialect. */
  ses?: SesOptions;
  /** The mail server; default: none. */
  smtp?: Partial<Pick<SmtpOptions, 'port' | 'maxBytes'>> | undefined;
  /** The server of the Postmark dialect. */
  postmark?: PostmarkOptions;
  /** Changes to the default settings, for the start and after each reset. */
  settings?: SettingsChange;
}

export interface Simulator {
  url: string;
  port: number;
  /** The port of the mail server; null without one. */
  smtpPort: number | null;
  stop(): Promise<void>;
}

/**
 * Starts a server that simulates the providers.
 *
 * @throws {Error} the server cannot listen on the port.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const {
    host = '127.0.0.1',
    port = 0,
    apiKey,
    webhookSecret,
    twilio,
    telnyx,
    vonage,
    ses,
    postmark,
  } = options;
  const simulation = new Simulation(merge(defaults, options.settings ?? {}));
  const dialects = {
    standard: createStandardDialect(simulation, { apiKey, webhookSecret }),
    twilio: createTwilioDialect(simulation, apiKey, twilio),
    telnyx: createTelnyxDialect(simulation, { apiKey, webhookSecret }, telnyx),
    vonage: createVonageDialect(simulation, apiKey, vonage),
    ses: createSesDialect(simulation, apiKey, ses),
    resend: createResendDialect(simulation, { apiKey, webhookSecret }),
    smtp: createSmtpDialect(),
    sendgrid: createSendGridDialect(simulation, { apiKey, webhookSecret }),
    postmark: createPostmarkDialect(simulation, { apiKey, webhookSecret }, postmark),
  };
  const smtp = options.smtp
    ? await startSmtpServer(simulation, { port: 0, maxBytes: MAX_EMAIL_BYTES, ...options.smtp, host, apiKey })
    : null;
  const server = createServer(createApp(simulation, dialects, host));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  }).catch(async (error) => {
    await smtp?.stop();
    throw error;
  });
  const address = server.address() as AddressInfo;
  simulation.url = `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
  return {
    url: simulation.url,
    port: address.port,
    smtpPort: smtp?.port ?? null,
    stop: async () => {
      simulation.close();
      await smtp?.stop();
      await close(server);
    },
  };
}

function createApp(simulation: Simulation, dialects: Record<DialectName, Dialect>, host: string): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(refuseForeign(host));
  app.get('/healthz', (_request, response) => void response.json({ status: 'ok' }));
  for (const { routes } of Object.values(dialects)) app.use(routes);
  app.use('/_control', express.json({ limit: '12mb' }), validate, controlApi(simulation, dialects));
  app.use((_request, response) => answerError(response, 404, 'not_found', 'There is nothing here'));
  app.use(((error, request, response, _next) => {
    if (error instanceof OpenApiValidator.error.BadRequest) {
      const status = request.path.startsWith('/_control') ? 422 : 400;
      return answerError(response, status, 'invalid_request', error.message);
    }
    const { status = 500, message } = error;
    answerError(response, status, status < 500 ? 'invalid_request' : 'internal', message);
  }) satisfies ErrorRequestHandler);
  return app;
}

/** Also ends the requests that a timeout fault has left open. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
