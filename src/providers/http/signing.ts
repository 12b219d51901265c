import type { BeforeRequestHook } from 'got';

/** A request as it goes out. */
export interface SignableRequest {
  method: string;
  url: URL;
  /** Empty without a body. */
  body: string | Buffer;
}

/** Returns the headers that sign a request. */
export type Sign = (request: SignableRequest) => Record<string, string>;

/** Signs each request of a call, because the time of a repeated request is another. */
export function signWith(sign: Sign): BeforeRequestHook {
  return ({ method, url, body, headers }) => {
    Object.assign(headers, sign({ method, url: url as URL, body: (body ?? '') as string | Buffer }));
  };
}
