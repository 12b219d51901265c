import type { AccountConfig } from '../../src/config/config.ts';
import type { Outgoing } from '../../src/providers/outgoing.ts';
import type { Provider } from '../../src/providers/provider.ts';
import type { SmtpSettings } from '../../src/providers/smtp/config.ts';
import { createSmtpProvider } from '../../src/providers/smtp/send.ts';
import type { Simulator } from '../../src/simulator/server.ts';
import type { Accepted, Call } from '../../src/simulator/store.ts';
import { type Email, referenceEmail } from './mail.ts';

export const PASSWORD = 'provider-key';

/** An account at the simulated mail server, or at another server of this machine. */
export function smtpAccount(port: number, settings: Partial<SmtpSettings> = {}): AccountConfig<SmtpSettings> {
  return {
    ...{ name: 'smtp', channel: 'email', kind: 'smtp', simulated: false, warnings: [] },
    ...{ perSecond: null, perSecondPerSender: null, senders: null, consentReplies: null },
    settings: {
      ...{ host: '127.0.0.1', port, implicitTls: false, requireTls: false },
      ...{ credentials: { user: 'shop', password: PASSWORD }, name: null, maxConnections: 5, ca: null },
      ...settings,
    },
  };
}

export function smtpAt(port: number, settings: Partial<SmtpSettings> = {}, timeoutMs = 20_000): Provider {
  return createSmtpProvider(smtpAccount(port, settings), timeoutMs);
}

/** An email to these recipients, without files. */
export function emailTo(to: readonly string[], changes: Partial<Email> = {}): Outgoing {
  const { email } = referenceEmail();
  return referenceEmail({
    ...{ to: [...to], cc: null, bcc: null, files: [], ...changes },
    email: { ...email, envelope: [...to], ...changes.email },
  });
}

/** What the simulated mail server got. */
export interface ReceivedEmail {
  from: string;
  to: string[];
  secure: boolean;
  raw: string;
}

export function controlOf({ url }: Simulator) {
  const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const response = await fetch(`${url}/_control/${path}`, {
      ...{ method, headers: { 'content-type': 'application/json' } },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as T;
  };
  return {
    reset: () => call('POST', 'reset'),
    faults: (...faults: object[]) =>
      call('PUT', 'faults', faults.map((fault) => ({ channel: 'email', type: 'smtp', ...fault })) as object),
    received: async () =>
      (await call<{ data: Accepted[] }>('GET', 'messages')).data.map(
        ({ request }) => request as unknown as ReceivedEmail,
      ),
    calls: async () => (await call<{ data: Call[] }>('GET', 'calls')).data,
  };
}
