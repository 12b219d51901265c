import type { Request, RequestHandler } from 'express';
import type { Config } from '../../config/config.ts';
import { UnauthorizedError } from '../../errors.ts';
import type { OpenApiDocument } from '../../openapi/document.ts';
import type { OperationId } from '../../openapi/types.ts';
import type { Provider } from '../../providers/provider.ts';
import type { ProviderRegistry } from '../../providers/registry.ts';
import { IncomingWebhook } from '../../providers/webhook.ts';
import { type Operation, operationOf } from '../contract/operation.ts';
import { stateOf } from '../request-state.ts';
import { type Caller, isWebhook, WEBHOOK_CHANNELS } from './caller.ts';
import { createKeyring, type Keyring } from './keyring.ts';
import { isLocal } from './local.ts';

export interface AuthenticateOptions {
  config: Pick<Config, 'apiKeys' | 'metricsToken' | 'publicUrl'>;
  providers: ProviderRegistry;
  keyring: Keyring;
  /** Reads the body of a webhook whose sender is not verified yet. */
  readUnverified: (request: Request) => Promise<Buffer>;
}

type Requirements = NonNullable<Operation['security']>;
type Requirement = Requirements[number];
type Scheme = 'apiKey' | 'webhookSignature' | null;
/** Returns null if the operation allows anonymous callers and the credentials are missing or wrong. */
type Authenticator = (request: Request, operation: Operation) => Promise<Caller | null> | Caller | null;

const NOT_SIGNED =
  'The webhook names no configured provider, or its signature is missing, older than five minutes, or not made with a secret of that provider.';

/**
 * Middleware that identifies the caller once, before all other checks of a request. The later steps use this caller and
 * never read the URL or a header to determine the caller again.
 *
 * @throws {Error} if the contract has a security scheme or a webhook operation that this module does not implement.
 */
export function authenticate(document: OpenApiDocument, options: AuthenticateOptions): RequestHandler {
  assertSchemesKnown(document);
  const authenticators: Record<NonNullable<Scheme>, Authenticator> = {
    apiKey: apiKeyAuthenticator(options),
    webhookSignature: webhookAuthenticator(options),
  };
  return async (request, _response, next) => {
    const operation = operationOf(request) as Operation;
    const scheme = schemeOf(operation, document);
    const authenticator = scheme && authenticators[scheme];
    const caller = authenticator && (await authenticator(request, operation));
    stateOf(request).caller = caller ?? { type: 'anonymous' };
    next();
  };
}

function apiKeyAuthenticator({ config, keyring }: AuthenticateOptions): Authenticator {
  if (config.apiKeys.length === 0) return () => ({ type: 'api_key', name: null });
  const { metricsToken } = config;
  const monitors = createKeyring(metricsToken === null ? [] : [{ name: 'metrics', key: metricsToken }]);
  return ({ headers: { authorization } }, { security = [] }) => {
    const name = keyring.nameOf(authorization);
    if (name !== null) return { type: 'api_key', name };
    if (security.some(isFor('metricsToken')) && monitors.nameOf(authorization) !== null)
      return { type: 'monitor' };
    if (security.some(isEmpty)) return null;
    throw new UnauthorizedError();
  };
}

function webhookAuthenticator({ config, providers, readUnverified }: AuthenticateOptions): Authenticator {
  const accounts = [...providers.sms, ...providers.email];
  const isOpen = config.apiKeys.length === 0;
  return async (request, { operationId }) => {
    const provider = accountOf(accounts, request, operationId);
    if (!provider) throw new UnauthorizedError(NOT_SIGNED);
    const webhook = new IncomingWebhook({
      headers: { ...request.headers },
      target: request.originalUrl,
      publicUrl: config.publicUrl,
      readBody: () => readUnverified(request),
    });
    const verification = await provider.verify(webhook);
    const mayBeUnsigned = provider.isSimulated && (isOpen || isLocal(request));
    if (verification === 'valid' || (verification === 'absent' && mayBeUnsigned))
      return { type: 'provider', provider, webhook };
    throw new UnauthorizedError(NOT_SIGNED);
  };
}

/**
 * The account of a webhook: in the path, or in the query parameter `provider`; default: the first account of the channel.
 */
function accountOf(accounts: Provider[], request: Request, operationId: OperationId): Provider | undefined {
  if (operationId === 'receiveWebhook') return accounts.find(({ name }) => name === request.params.account);
  const channel = WEBHOOK_CHANNELS[operationId as keyof typeof WEBHOOK_CHANNELS];
  const { provider: name } = request.query;
  return accounts.find(
    (account) => account.channel === channel && (name === undefined || account.name === name),
  );
}

function schemeOf(operation: Pick<Operation, 'security'>, document: OpenApiDocument): Scheme {
  const [requirement] = operation.security ?? document.security ?? [];
  return requirement ? (Object.keys(requirement)[0] as Scheme) : null;
}

function assertSchemesKnown(document: OpenApiDocument): void {
  for (const operations of Object.values(document.paths)) {
    for (const { operationId, ...operation } of Object.values(operations)) {
      if (!isSupported(operation.security ?? document.security ?? [], operationId))
        throw new Error(`The security scheme of ${operationId} in the contract is not supported`);
    }
  }
}

function isSupported(requirements: Requirements, operationId: string | undefined): boolean {
  const [first, ...others] = requirements;
  if (!first) return true;
  if (isFor('webhookSignature')(first)) return others.length === 0 && isWebhook(operationId);
  const isAlternative = (other: Requirement) => isEmpty(other) || isFor('metricsToken')(other);
  return isFor('apiKey')(first) && others.every(isAlternative);
}

function isFor(scheme: string): (requirement: Requirement) => boolean {
  return (requirement) => Object.keys(requirement).join() === scheme;
}

/** Whether credentials are optional. The handler then decides which content an anonymous caller receives. */
function isEmpty(requirement: Requirement): boolean {
  return Object.keys(requirement).length === 0;
}
