import type { Kind } from '../provider.ts';
import { type SmtpSettings, smtpConfig } from './config.ts';
import { createSmtpProvider } from './send.ts';

export const smtp: Kind<SmtpSettings> = {
  config: smtpConfig,
  create: createSmtpProvider,
  describe: ({ host, port, implicitTls, requireTls, credentials, name, maxConnections }) => ({
    Server: `${host}:${port}`,
    TLS: implicitTls ? 'from the start' : requireTls ? 'by STARTTLS' : 'none: the server is this machine',
    User: credentials?.user ?? 'none',
    ...(name !== null && { 'EHLO name': name }),
    'Max connections': String(maxConnections),
  }),
  webhookSetup: null,
  fromMailServer: 'replies and bounces',
};
