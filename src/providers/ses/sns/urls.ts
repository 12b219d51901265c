const HOST = /^sns\.[a-z0-9-]{1,32}\.amazonaws\.com(?:\.cn)?$/;
const CERTIFICATE = /^\/SimpleNotificationService-[A-Za-z0-9_-]{1,64}\.pem$/;

/**
 * The URL of a certificate of Amazon SNS; null for any other URL.
 *
 * @param simulatorOrigin an origin that is trusted besides the host of SNS; null for none.
 */
export function certificateUrl(text: string, simulatorOrigin: string | null): URL | null {
  const url = ofSns(text, simulatorOrigin);
  return url !== null && url.search === '' && CERTIFICATE.test(url.pathname) ? url : null;
}

/** The URL that confirms a subscription of this topic; null for any other URL. */
export function confirmationUrl(text: string, topicArn: string, simulatorOrigin: string | null): URL | null {
  const url = ofSns(text, simulatorOrigin);
  if (url === null || url.pathname !== '/') return null;
  const { searchParams: query } = url;
  const isConfirmation = query.get('Action') === 'ConfirmSubscription' && query.get('TopicArn') === topicArn;
  return isConfirmation ? url : null;
}

/** A URL at the host of SNS by https, at the default port and without credentials. */
function ofSns(text: string, simulatorOrigin: string | null): URL | null {
  const url = URL.parse(text);
  if (url === null || [url.username, url.password, url.hash].some((part) => part !== '')) return null;
  if (simulatorOrigin !== null && url.origin === simulatorOrigin) return url;
  return url.protocol === 'https:' && url.port === '' && HOST.test(url.hostname) ? url : null;
}
