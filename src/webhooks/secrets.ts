import type { IncomingHttpHeaders } from 'node:http';

/** The headers of every stored webhook. */
const HEADERS = ['content-type', 'content-encoding', 'content-length', 'user-agent'];
const SECRET_PARAMETER = /token|key(?!word)|secret|passw|pwd|signature|credential|auth(?!or)|session|^sig$/i;
const REDACTED = '[redacted]';

/** The headers that are stored with a webhook: any other header may have credentials. */
export function storableHeaders(
  headers: IncomingHttpHeaders,
  readByKind: readonly string[] = [],
): IncomingHttpHeaders {
  const names = new Set([...HEADERS, ...readByKind]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => names.has(name)));
}

/** The target of a request without the values of query parameters whose names suggest credentials. */
export function redactTarget(target: string): string {
  const start = target.indexOf('?') + 1;
  if (start === 0) return target;
  const parts = target.slice(start).split(/([&;])/);
  return target.slice(0, start) + parts.map(redactParameter).join('');
}

function redactParameter(parameter: string): string {
  const end = parameter.indexOf('=');
  if (end === -1) return parameter;
  const [name = ''] = new URLSearchParams(parameter.slice(0, end)).keys();
  return SECRET_PARAMETER.test(name) ? `${parameter.slice(0, end)}=${REDACTED}` : parameter;
}
