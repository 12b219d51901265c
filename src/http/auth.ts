import type { KeyObject } from 'node:crypto';
import type { Request } from 'express';
import type { Config, ProviderConfig } from '../config.ts';
import type { OpenApiDocument } from '../openapi/document.ts';
import { rawBodyOf } from './body.ts';
import { type Keyring, letIn } from './keyring.ts';
import { isSigned, signingKey } from './webhook-signature.ts';

export type SecurityHandlers = Record<string, (request: Request) => boolean>;

interface Caller {
  provider: ProviderConfig;
  keys: KeyObject[];
}

const WEBHOOK = /^\/api\/webhooks\/(sms|email)(\/status)?\/?$/i;

/** What the validator asks for each security scheme of the contract. */
export function securityHandlers(config: Config, keyring: Keyring): SecurityHandlers {
  const callers = config.providers.map((provider) => ({
    provider,
    keys: provider.webhookSecrets.map(signingKey),
  }));
  return {
    apiKey: (request) => {
      const name = keyring.nameOf(request.headers.authorization);
      if (name !== null) letIn(request, name);
      return name !== null;
    },
    webhookSignature: (request) => {
      const caller = callerOf(callers, request);
      if (!caller || caller.keys.length === 0) return true;
      const {
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        'webhook-signature': signature,
      } = request.headers;
      if (signature === undefined) return caller.provider.simulated;
      const signed = { id: one(id), timestamp: one(timestamp), signature: one(signature) };
      return isSigned({ ...signed, rawBody: rawBodyOf(request) }, caller.keys, Date.now());
    },
  };
}

/**
 * The contract with what this configuration does not ask for taken out: no API keys where none are configured. That
 * a webhook has a signature at all is left to its handler, for a provider without a secret has none, nor has the
 * simulator where people make its webhooks by hand.
 */
export function withConfiguredSecurity(document: OpenApiDocument, config: Config): OpenApiDocument {
  if (config.apiKeys.length === 0) document.security = [];
  document.components.securitySchemes.webhookSignature = { type: 'mutualTLS' };
  return document;
}

function callerOf(callers: Caller[], request: Request): Caller | undefined {
  const channel = WEBHOOK.exec(request.path)?.[1]?.toLowerCase();
  const query = request.originalUrl.indexOf('?');
  const name = query < 0 ? null : new URLSearchParams(request.originalUrl.slice(query)).get('provider');
  return callers.find(
    ({ provider }) => provider.channel === channel && (name === null || provider.name === name),
  );
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
