import { Router } from 'express';
import type { Dialect } from '../../dialect.ts';

/** The mail server has a port of its own (`server.ts`), and neither an HTTP API nor webhooks. */
export function createSmtpDialect(): Dialect {
  return {
    routes: Router(),
    inbound: () =>
      Promise.reject(new Error('A mail server sends no webhooks: post emails to /api/webhooks/mime')),
    reset: () => undefined,
  };
}
