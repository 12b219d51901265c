import type { Config } from '../../../config/config.ts';
import { isLoopbackUrl, localUrlProblem, publicHostRefusal } from '../../../config/safety.ts';
import type { Finding, Section } from './section.ts';

/** Max time of one request, in milliseconds. */
export const REQUEST_TIMEOUT_MS = 5_000;

/** Whether a service answers on the configured port of this machine. */
export async function examineService({ host, port, role }: Config): Promise<Section> {
  const url = `http://${hostOf(host)}:${port}`;
  const findings: Finding[] = [];
  if (port === 0) findings.push({ result: 'ok', text: 'PORT=0: the service listens on any free port' });
  else {
    const failure = await healthFailure(url);
    if (failure === null) findings.push({ result: 'ok', text: `a service answers at ${url}` });
    else if (failure === 'econnrefused')
      findings.push({ result: 'ok', text: `no service runs at ${url} now` });
    else
      findings.push({
        result: 'fault',
        text: `another program uses ${url}: ${failure}. Choose another PORT`,
      });
  }
  return { title: 'Service', details: { Role: role }, findings };
}

/** Whether the public URL leads to a service, as far as this machine can see. */
export async function examinePublicUrl(config: Config): Promise<Section> {
  const { publicUrl } = config;
  const title = 'Public URL';
  if (isLoopbackUrl(publicUrl)) {
    const problem = localUrlProblem(config);
    const finding: Finding =
      problem === null
        ? { result: 'ok', text: 'not needed: every account is at the simulator' }
        : { result: 'warning', text: problem };
    return { title, details: {}, findings: [finding] };
  }
  const failure = await healthFailure(`${publicUrl}`);
  const finding: Finding =
    failure === null
      ? { result: 'ok', text: `${publicUrl}/healthz answers` }
      : { result: 'warning', text: `${publicUrl}/healthz: ${failure} (from this machine)` };
  const refusal = publicHostRefusal(config);
  const refused: Finding[] = refusal === null ? [] : [{ result: 'warning', text: `PUBLIC_URL: ${refusal}` }];
  return { title, details: {}, findings: [finding, ...refused] };
}

/** Null if the URL leads to a service; otherwise the reason, in lower case for the code of a connection error. */
async function healthFailure(url: string): Promise<string | null> {
  try {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const response = await fetch(`${url}/healthz`, { redirect: 'manual', signal });
    const text = await response.text();
    if (response.status >= 300 && response.status < 400)
      return `redirects to ${response.headers.get('location')}; the URL that providers call must be the final one`;
    if (response.status === 200 && isHealth(text)) return null;
    return `answers ${response.status}, but not as this service does`;
  } catch (error) {
    const { name, cause, message } = error as Error & { cause?: { code?: string; message?: string } };
    if (name === 'TimeoutError') return `no response within ${REQUEST_TIMEOUT_MS / 1_000} seconds`;
    return cause?.code?.toLowerCase() ?? cause?.message ?? message;
  }
}

function isHealth(text: string): boolean {
  try {
    return JSON.parse(text).status === 'ok';
  } catch {
    return false;
  }
}

/** The host by which this machine reaches a service that listens on `host`. */
function hostOf(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
