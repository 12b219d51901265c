/**
 * Whether a URL is of a host of the provider: by https, at the default port, and without other credentials. `URL` has the name in
 * lower case and in ASCII.
 */
export function isOfHost(url: URL, isHost: (name: string) => boolean): boolean {
  const { protocol, port, username, password, hostname } = url;
  return protocol === 'https:' && [port, username, password].every((part) => part === '') && isHost(hostname);
}

/**
 * The path of a URL below the configured URL of an account, with a leading slash; null if the URL is not below it or has other
 * credentials.
 */
export function pathBelow(url: URL, configured: string): string | null {
  const { origin, pathname } = new URL(configured);
  const base = pathname.replace(/\/$/, '');
  const isSameOrigin = url.origin === origin && url.username === '' && url.password === '';
  return isSameOrigin && url.pathname.startsWith(`${base}/`) ? url.pathname.slice(base.length) : null;
}
