import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import express, { type ErrorRequestHandler, type Express } from 'express';
import * as OpenApiValidator from 'express-openapi-validator';
import { controlApi } from './control-api.ts';
import { answerError, identify, providerApi } from './dialects/standard/api.ts';
import { createWebhookSender } from './dialects/standard/webhooks.ts';
import { refuseForeign } from './foreign.ts';
import { defaults, merge, type SettingsChange } from './settings.ts';
import { Simulation } from './simulation.ts';

export interface SimulatorOptions {
  host?: string;
  /** 0 for any free port. */
  port?: number;
  /** The bearer key that requests must have; default: no key is required. */
  apiKey?: string | undefined;
  /** `whsec_…`; default: webhooks are not signed. */
  webhookSecret?: string | undefined;
  /** Changes to the default settings, for the start and after each reset. */
  settings?: SettingsChange;
}

export interface Simulator {
  url: string;
  port: number;
  stop(): Promise<void>;
}

/**
 * Starts a server that simulates the SMS provider and the email provider.
 *
 * @throws {Error} the server cannot listen on the port.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { host = '127.0.0.1', port = 0, apiKey, webhookSecret } = options;
  const simulation = new Simulation(
    merge(defaults, options.settings ?? {}),
    createWebhookSender(webhookSecret),
  );
  const server = createServer(createApp(simulation, host, apiKey));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    port: address.port,
    stop: async () => {
      simulation.close();
      await close(server);
    },
  };
}

const parse = express.json({ limit: '12mb' });

/** Validates requests by openapi.yaml; all simulators of a process share the compiled schemas. */
const validate = OpenApiValidator.middleware({
  apiSpec: fileURLToPath(new URL('./openapi.yaml', import.meta.url)),
  validateApiSpec: false,
  validateSecurity: false,
  ajvFormats: { mode: 'full' },
});

function createApp(simulation: Simulation, host: string, apiKey: string | undefined): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(refuseForeign(host));
  app.get('/healthz', (_request, response) => void response.json({ status: 'ok' }));
  app.use('/sms', identify('sms', simulation, apiKey), parse, validate, providerApi('sms', simulation));
  app.use('/email', identify('email', simulation, apiKey), parse, validate, providerApi('email', simulation));
  app.use('/_control', parse, validate, controlApi(simulation));
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
