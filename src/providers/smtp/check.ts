import type { AccountConfig } from '../../config/config.ts';
import { variablesOf } from '../http/check.ts';
import type { AccountCheck, CheckContext } from '../provider.ts';
import type { SmtpSettings } from './config.ts';
import { outcomeOf } from './outcome.ts';
import { Session } from './session.ts';
import { SessionError } from './session-error.ts';

/** Connects, starts TLS and logs in, without an email. */
export async function checkSmtp(
  { name, settings }: Pick<AccountConfig<SmtpSettings>, 'name' | 'settings'>,
  timeoutMs: number,
  { signal }: CheckContext,
): Promise<AccountCheck[]> {
  try {
    const session = await Session.open({ settings, name: null, timeoutMs, signal });
    session.quit();
  } catch (error) {
    return [faultOf(name, error)];
  }
  const { implicitTls, requireTls, credentials } = settings;
  const secured = implicitTls || requireTls ? 'the certificate is valid' : 'without TLS';
  const login =
    credentials === null ? 'no credentials are configured' : 'the user and the password are accepted';
  return [{ result: 'ok', text: `connection: ${secured}; ${login}` }];
}

function faultOf(name: string, error: unknown): AccountCheck {
  const { code, detail, ...outcome } = outcomeOf(error);
  const isOperatorError = 'isOperatorError' in outcome && outcome.isOperatorError;
  const phase = error instanceof SessionError ? error.phase : 'connect';
  const isTemporary = !isOperatorError && /^smtp_4/.test(code);
  const remedies = {
    auth: `. Correct the user and the password in ${variablesOf(name, ['URL'])}`,
    tls: `. The server must offer STARTTLS with a valid certificate: correct ${variablesOf(name, ['URL', 'CA_FILE'])}`,
  } as Record<string, string>;
  const remedy = remedies[phase] ?? `. Check the network connection and ${variablesOf(name, ['URL'])}`;
  const what = phase === 'auth' ? 'login' : phase === 'tls' ? 'TLS' : 'connection';
  return {
    result: isTemporary ? 'warning' : 'fault',
    text: `${what}: ${detail} (${code})${isTemporary ? '' : remedy}`,
  };
}
