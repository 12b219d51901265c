/** The meaning of a response status other than 2xx. */
export interface StatusMeaning {
  outcome: 'rejected' | 'throttled' | 'unavailable' | 'unknown';
  /** Whether the same request may succeed some seconds later, so that a call repeats the request. */
  isTransient: boolean;
}

const REJECTED: StatusMeaning = { outcome: 'rejected', isTransient: false };
const THROTTLED: StatusMeaning = { outcome: 'throttled', isTransient: false };
const OPERATOR: StatusMeaning = { outcome: 'unavailable', isTransient: false };
const NOT_PROCESSED: StatusMeaning = { outcome: 'unavailable', isTransient: true };
const UNKNOWN: StatusMeaning = { outcome: 'unknown', isTransient: false };
const NO_RESPONSE: StatusMeaning = { outcome: 'unknown', isTransient: true };

/**
 * The statuses with their own meaning in the standard API. All others have the meaning of their class (RFC 9110, section 15).
 *
 * Sources: the IANA registry of HTTP status codes; for 520 to 526, developers.cloudflare.com/support/troubleshooting;
 * for 494 to 499, nginx; 598 and 599 are timeouts of proxies that no standard defines.
 */
const MEANINGS: Record<number, StatusMeaning> = {
  // The POST was processed; its result is at another URL.
  303: UNKNOWN,

  // The message is not at fault: the cause is the credentials, credit, the URL, a proxy or the format of the request.
  401: OPERATOR,
  402: OPERATOR,
  403: OPERATOR,
  404: OPERATOR,
  405: OPERATOR,
  406: OPERATOR,
  407: OPERATOR,
  410: OPERATOR,
  411: OPERATOR,
  412: OPERATOR,
  415: OPERATOR,
  416: OPERATOR,
  417: OPERATOR,
  426: OPERATOR,
  428: OPERATOR,
  431: OPERATOR,
  494: OPERATOR,
  495: OPERATOR,
  496: OPERATOR,
  497: OPERATOR,
  // The request did not arrive whole, arrived on the wrong connection, or arrived too early.
  408: NOT_PROCESSED,
  421: OPERATOR,
  425: OPERATOR,
  429: THROTTLED,
  // The client of a gateway gave up; the server behind the gateway may not have.
  499: UNKNOWN,

  // The contract of the standard API (contracts/README.md): a provider that answers 500 or 503 did not accept the message.
  500: NOT_PROCESSED,
  503: NOT_PROCESSED,
  // The server does not have the method or the HTTP version, or a network requires a login: nothing was processed.
  501: OPERATOR,
  505: OPERATOR,
  511: OPERATOR,
  // A gateway had no usable response from the server, which may have processed the request.
  502: NO_RESPONSE,
  504: NO_RESPONSE,
  520: NO_RESPONSE,
  522: NO_RESPONSE,
  524: NO_RESPONSE,
  598: NO_RESPONSE,
  599: NO_RESPONSE,
  // A gateway never reached the server: refused connection, no route, failed TLS handshake, invalid certificate.
  521: NOT_PROCESSED,
  523: NOT_PROCESSED,
  525: OPERATOR,
  526: OPERATOR,
};

/** @param status any status but 2xx. */
export function meaningOfStatus(status: number): StatusMeaning {
  return MEANINGS[status] ?? meaningOfClass(status);
}

function meaningOfClass(status: number): StatusMeaning {
  // A redirect is not followed: the configured URL is wrong.
  if (status >= 300 && status < 400) return OPERATOR;
  if (status >= 400 && status < 500) return REJECTED;
  // Also statuses outside 100 to 599, which count as 5xx (RFC 9110, section 15), and 1xx in place of a final response.
  return UNKNOWN;
}
