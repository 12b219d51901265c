import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request } from 'express';
import type { ApiKey, Config, ProviderConfig } from '../config.ts';
import type { OpenApiDocument } from '../openapi/document.ts';
import { rawBodyOf } from './body.ts';
import { isSigned } from './webhook-signature.ts';

export type SecurityHandlers = Record<string, (request: Request) => boolean>;

const WEBHOOK = /^\/api\/webhooks\/(sms|email)(\/status)?\/?$/;

/** What the validator asks for each security scheme of the contract. */
export function securityHandlers(config: Config): SecurityHandlers {
  return {
    apiKey: (request) => findKey(config.apiKeys, request.headers.authorization) !== null,
    webhookSignature: (request) => {
      const provider = callingProvider(config.providers, request);
      const {
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        'webhook-signature': signature,
      } = request.headers;
      const signed = {
        id: one(id),
        timestamp: one(timestamp),
        signature: one(signature),
        rawBody: rawBodyOf(request),
      };
      return provider !== undefined && isSigned(signed, provider.webhookSecrets, Date.now());
    },
    unsigned: (request) => {
      const provider = callingProvider(config.providers, request);
      if (!provider || provider.webhookSecrets.length === 0) return true;
      return provider.simulated && request.headers['webhook-signature'] === undefined;
    },
  };
}

/**
 * The contract with what this configuration does not ask for taken out: no API keys where none are configured, and
 * (`unsigned`) no signature of a provider without a secret, or of the simulator, whose webhooks people make by hand.
 */
export function withConfiguredSecurity(document: OpenApiDocument, config: Config): OpenApiDocument {
  if (config.apiKeys.length === 0) document.security = [];
  document.components.securitySchemes.unsigned = { type: 'mutualTLS' };
  for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path))) {
    if (operation.security?.some((scheme) => 'webhookSignature' in scheme))
      operation.security.push({ unsigned: [] });
  }
  return document;
}

function callingProvider(providers: ProviderConfig[], request: Request): ProviderConfig | undefined {
  const channel = WEBHOOK.exec(request.path)?.[1];
  const name = new URLSearchParams(request.originalUrl.split('?')[1]).get('provider');
  return providers.find(
    (provider) => provider.channel === channel && (name === null || provider.name === name),
  );
}

/** Every key is compared, by digests of one length: the time taken tells nothing. */
function findKey(keys: ApiKey[], header: string | undefined): ApiKey | null {
  const given = digest(/^Bearer +(\S+)$/i.exec(header ?? '')?.[1] ?? '');
  return keys.reduce<ApiKey | null>(
    (found, key) => (timingSafeEqual(digest(key.key), given) ? key : found),
    null,
  );
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
