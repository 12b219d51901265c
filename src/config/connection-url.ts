const PARTS = { username: 'user', password: 'password', hostname: 'host', pathname: 'database' } as const;

/**
 * Checks the parts of a database URL that the driver decodes without a check.
 *
 * @throws {Error} for a part that is not percent-encoded UTF-8, or a port that is not a number from 1 to 65535.
 */
export function assertConnectionUrl(url: URL): void {
  for (const [part, name] of Object.entries(PARTS)) {
    if (!isDecodable(url[part as keyof typeof PARTS]))
      throw new Error(`has a ${name} that is not percent-encoded UTF-8 (write % as %25)`);
  }
  const port = url.searchParams.get('port') ?? url.port;
  if (port !== '' && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535))
    throw new Error('has a port that is not a number from 1 to 65535');
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
