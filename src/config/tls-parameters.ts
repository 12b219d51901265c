const MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'];
const PARAMETERS = ['ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'sslnegotiation'];

/**
 * Checks the TLS parameters of a database URL. The driver ignores unknown parameters, so a misspelt parameter would
 * cause a connection without TLS.
 *
 * @throws {Error} for an unknown parameter or mode.
 */
export function assertTlsParameters(parameters: URLSearchParams): void {
  const unknown = [...parameters.keys()].find((name) => /ssl|tls/i.test(name) && !PARAMETERS.includes(name));
  if (unknown !== undefined)
    throw new Error(`has the parameter "${unknown}", which is none of ${PARAMETERS.join(', ')}`);
  const mode = parameters.get('sslmode');
  if (mode !== null && !MODES.includes(mode))
    throw new Error(`has "sslmode=${mode}", which is none of ${MODES.join(', ')}`);
}

/**
 * Replaces the modes `prefer`, `require` and `verify-ca` by `verify-full`, as node-postgres 8 does: it verifies the
 * certificate and the host name. The explicit mode remains if a later version of node-postgres treats the other modes
 * less strictly, and it avoids the warning of node-postgres on standard error.
 */
export function withVerification(url: string): string {
  if (new URL(url).searchParams.get('uselibpqcompat') === 'true') return url;
  return url.replace(/([?&]sslmode=)(prefer|require|verify-ca)(?=&|$)/, '$1verify-full');
}
