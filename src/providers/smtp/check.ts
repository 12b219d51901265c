import type { AccountConfig } from '../../config/config.ts';
import { variablesOf } from '../http/check.ts';
import { isOfTls } from '../http/failure.ts';
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
    return [faultOf(name, settings, error)];
  }
  const { implicitTls, requireTls, credentials } = settings;
  const secured = implicitTls || requireTls ? 'the certificate is valid' : 'without TLS';
  const login =
    credentials === null ? 'no credentials are configured' : 'the user and the password are accepted';
  return [{ result: 'ok', text: `connection: ${secured}; ${login}` }];
}

function faultOf(name: string, settings: SmtpSettings, error: unknown): AccountCheck {
  const { code, detail, ...outcome } = outcomeOf(error);
  const explained = explain(name, settings, code);
  if (explained !== null) return { result: 'fault', text: explained };
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

const NO_TLS = /^err_ssl_(?:wrong_version_number|packet_length_too_long)$/;

/** The cause of a failure whose own text is of OpenSSL or of a timer; null for any other failure. */
function explain(name: string, { host, implicitTls }: SmtpSettings, code: string): string | null {
  const [url, ca] = [variablesOf(name, ['URL']), variablesOf(name, ['CA_FILE'])];
  if (code === 'etimedout' && !implicitTls)
    return `connection: no greeting in time (${code}). Check the network connection and ${url}; a port with TLS from the start, such as 465, requires smtps://`;
  if (!isOfTls(code)) return null;
  if (NO_TLS.test(code) && implicitTls)
    return `TLS: the port has no TLS from the start (${code}). Correct ${url}: a port with STARTTLS, such as 587, requires smtp://`;
  if (/^err_ssl|^eproto/.test(code))
    return `TLS: the handshake failed (${code}). The server must have TLS 1.2 or later; check ${url}`;
  if (/altname|hostname/.test(code))
    return `TLS: the certificate is not valid for ${host} (${code}). Correct the host in ${url}; ${ca} does not change this`;
  if (/expired|not_yet_valid/.test(code))
    return `TLS: the certificate is expired or not valid yet (${code}). The server must renew the certificate`;
  return `TLS: the certificate is not of a known authority (${code}). Set ${ca} to the certificates of its authority, or to the certificate itself if it is self-signed`;
}
