import type { Request, RequestHandler } from 'express';
import { type ApiKey, SCOPES, type Scope } from '../../config/api-keys.ts';
import type { Config } from '../../config/config.ts';
import { InsufficientScopeError, UnauthorizedError } from '../../errors.ts';
import type { MediaLinks } from '../../media/links.ts';
import type { OpenApiDocument } from '../../openapi/document.ts';
import { type Operation, operationOf } from '../contract/operation.ts';
import { stateOf } from '../request-state.ts';
import { type Caller, isWebhook } from './caller.ts';
import { createKeyring, type Keyring } from './keyring.ts';
import { linkCallerOf } from './links.ts';
import { type AuthenticateWebhooksOptions, webhookAuthenticator } from './webhooks.ts';

export interface AuthenticateOptions extends AuthenticateWebhooksOptions {
  config: AuthenticateWebhooksOptions['config'] & Pick<Config, 'metricsToken'>;
  keyring: Keyring;
  links: MediaLinks;
}

const ANONYMOUS: Caller = { type: 'anonymous', refusal: new UnauthorizedError() };

type Requirements = NonNullable<Operation['security']>;
type Requirement = Requirements[number];
type Authenticator = (request: Request, operation: Operation) => Promise<Caller> | Caller;

/**
 * Middleware that identifies the caller once, before all other checks of a request. The later steps use this caller and
 * never read the URL or a header to determine the caller again.
 *
 * @throws {Error} if the contract has a security scheme, a scope or a webhook operation that this module does not implement.
 */
export function authenticate(document: OpenApiDocument, options: AuthenticateOptions): RequestHandler {
  assertSchemesKnown(document);
  const authenticateWebhook = webhookAuthenticator(options);
  const authenticateClient = apiKeyAuthenticator(options);
  const authenticatorOf = ({ operationId, security }: Operation): Authenticator => {
    if (isWebhook(operationId)) return authenticateWebhook;
    if (security?.some(isFor('mediaLink')))
      return (request, operation) =>
        linkCallerOf(request, options.links) ?? authenticateClient(request, operation);
    return security?.length ? authenticateClient : () => ANONYMOUS;
  };
  return async (request, _response, next) => {
    const found = operationOf(request) as Operation;
    const operation = { ...found, security: found.security ?? document.security ?? [] };
    stateOf(request).caller = await authenticatorOf(operation)(request, operation);
    next();
  };
}

function apiKeyAuthenticator({ config, keyring }: AuthenticateOptions): Authenticator {
  if (config.apiKeys.length === 0) return () => ({ type: 'api_key', name: null, reads: true });
  const { metricsToken } = config;
  const monitors = createKeyring(
    metricsToken === null ? [] : [{ name: 'metrics', key: metricsToken, scopes: [] }],
  );
  return (request, { security = [] }) => {
    const { authorization } = request.headers;
    const key = keyring.find(authorization);
    const scope = scopeOf(security);
    if (key?.scopes.includes(scope)) {
      stateOf(request).key = key;
      return callerOf(key);
    }
    if (!key && security.some(isFor('metricsToken')) && monitors.find(authorization))
      return { type: 'monitor' };
    const refusal = key ? new InsufficientScopeError(scope) : new UnauthorizedError();
    if (security.some(isEmpty)) return { type: 'anonymous', refusal };
    // The log names the key of a refused request.
    if (key) stateOf(request).caller = callerOf(key);
    throw refusal;
  };
}

function callerOf({ name, scopes }: Pick<ApiKey, 'name' | 'scopes'>): Caller {
  return { type: 'api_key', name, reads: scopes.includes('read') };
}

/** The only role of the requirement `apiKey` (OpenAPI 3.1, Security Requirement Object). */
function scopeOf([requirement]: Requirements): Scope {
  return requirement?.apiKey?.[0] as Scope;
}

function assertSchemesKnown(document: OpenApiDocument): void {
  const signatures = signatureSchemes(document);
  for (const operations of Object.values(document.paths)) {
    for (const { operationId, ...operation } of Object.values(operations)) {
      const requirements = operation.security ?? document.security ?? [];
      const isKnown = isWebhook(operationId) ? isSigned(requirements, signatures) : isSupported(requirements);
      if (!isKnown) throw new Error(`The security scheme of ${operationId} in the contract is not supported`);
    }
  }
}

/** The names of the schemes that can be signatures of webhooks: every `apiKey` in a header, and Basic authentication. */
function signatureSchemes({ components }: OpenApiDocument): string[] {
  return Object.entries(components.securitySchemes)
    .filter(
      ([, { type, in: place, scheme }]) => (type === 'apiKey' && place === 'header') || scheme === 'basic',
    )
    .map(([name]) => name);
}

/** Whether a webhook has one of the signatures. The kind of the account determines which signature it verifies. */
function isSigned(requirements: Requirements, signatures: string[]): boolean {
  const isSignature = (requirement: Requirement) => signatures.some((name) => isFor(name)(requirement));
  return requirements.length > 0 && requirements.every(isSignature);
}

function isSupported(requirements: Requirements): boolean {
  const [first, ...others] = requirements;
  if (!first) return true;
  const isAlternative = (other: Requirement) =>
    isEmpty(other) || isFor('metricsToken')(other) || isFor('mediaLink')(other);
  const hasScope = first.apiKey?.length === 1 && SCOPES.includes(scopeOf(requirements));
  return hasScope && isFor('apiKey')(first) && others.every(isAlternative);
}

function isFor(scheme: string): (requirement: Requirement) => boolean {
  return (requirement) => Object.keys(requirement).join() === scheme;
}

/** Whether credentials are optional. The handler then decides which content an anonymous caller receives. */
function isEmpty(requirement: Requirement): boolean {
  return Object.keys(requirement).length === 0;
}
