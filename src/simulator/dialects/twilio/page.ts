import type { Request } from 'express';
import { API_VERSION } from './message.ts';

const DEFAULT_SIZE = 50;
/** A page token is `PA` and the SID before the page, or `PB` and the SID after the page. */
const TOKEN = /^P([AB])(\w+)$/;

type Query = Record<string, string | undefined>;

/**
 * One page of a list in Twilio's format; null if the page token is unknown.
 *
 * @param name the field of the items.
 * @param items all items, in the order of the list.
 */
export function pageOf<Item extends { sid: string }>(
  request: Request,
  name: string,
  items: Item[],
  present: (item: Item) => object,
): object | null {
  const query = request.query as Query;
  const size = Number(query.PageSize ?? DEFAULT_SIZE);
  const start = startOf(items, size, query.PageToken);
  if (start === null) return null;
  const shown = items.slice(start, start + size);
  const page = Number(query.Page ?? 0);
  const uri = (number: number, token?: string) => uriOf(request, size, number, token);
  return {
    end: start + Math.max(0, shown.length - 1),
    first_page_uri: uri(0),
    next_page_uri: start + size < items.length ? uri(page + 1, `PA${shown.at(-1)?.sid}`) : null,
    page,
    page_size: size,
    previous_page_uri: start > 0 ? uri(Math.max(0, page - 1), `PB${shown[0]?.sid}`) : null,
    [name]: shown.map(present),
    start,
    uri: uri(page, query.PageToken),
  };
}

function startOf(items: { sid: string }[], size: number, token: string | undefined): number | null {
  if (token === undefined) return 0;
  const [, side, sid] = TOKEN.exec(token) ?? [];
  const index = items.findIndex((item) => item.sid === sid);
  if (index === -1) return null;
  return side === 'A' ? index + 1 : Math.max(0, index - size);
}

/** The address of a page of the same list, relative to `https://api.twilio.com`. */
function uriOf({ path, query }: Request, size: number, page: number, token?: string): string {
  const { Page: _page, PageToken: _token, PageSize: _size, ...filters } = query as Query;
  const parameters = new URLSearchParams(filters as Record<string, string>);
  parameters.set('PageSize', String(size));
  parameters.set('Page', String(page));
  if (token !== undefined) parameters.set('PageToken', token);
  return `/${API_VERSION}${path}?${parameters}`;
}
