const MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'];
const PARAMETERS = ['ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'sslnegotiation'];

/**
 * Checks the parameters of a database URL that are about TLS. The driver ignores what it does not know, so a misspelt
 * parameter would mean a connection without TLS.
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
 * Names the mode by which node-postgres 8 treats `prefer`, `require` and `verify-ca`: it verifies certificate and host
 * name. This keeps the mode when a later version of the driver weakens those, and avoids its warning on standard error.
 */
export function withVerification(url: string): string {
  if (new URL(url).searchParams.get('uselibpqcompat') === 'true') return url;
  return url.replace(/([?&]sslmode=)(prefer|require|verify-ca)(?=&|$)/, '$1verify-full');
}
