import type { Request, RequestHandler } from 'express';
import { refuse } from './errors.ts';

export interface Credentials {
  accountSid: string;
  /** Null if any credentials are accepted. */
  authToken: string | null;
  /** The SID and the secret of an API key, which requests may have instead of the account SID and the auth token. */
  apiKey: { sid: string; secret: string } | null;
}

/** Middleware that checks the Basic credentials of a request, and that the path names the account. */
export function authenticate({ accountSid, authToken, apiKey }: Credentials): RequestHandler {
  const accepted = new Set([
    `${accountSid}:${authToken}`,
    ...(apiKey ? [`${apiKey.sid}:${apiKey.secret}`] : []),
  ]);
  return (request, response, next) => {
    if (authToken !== null && !accepted.has(credentialsOf(request.get('authorization'))))
      return refuse(response, 20003);
    if (request.path.split('/')[2]?.replace(/\.json$/, '') !== accountSid) return refuse(response, 20404);
    next();
  };
}

/** Whether the credentials have the form of an API key. */
export function usesApiKey(request: Request): boolean {
  return credentialsOf(request.get('authorization')).startsWith('SK');
}

function credentialsOf(header = ''): string {
  const [, encoded = ''] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header) ?? [];
  return Buffer.from(encoded, 'base64').toString();
}
