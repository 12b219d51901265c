import { ApiPromise, received, type WithRequestId, type WithResponse } from './api-promise.ts';

/** One page of a list, as the service returns it. */
export interface List<Item> {
  data: Item[];
  /** Null on the last page. */
  next_cursor: string | null;
}

export type ItemOf<Body extends List<unknown>> = Body['data'][number];

export interface Paging<Body extends List<unknown>> extends AsyncIterable<ItemOf<Body>> {
  /** The next page; null after the last page. */
  nextPage(): Promise<WithRequestId<Page<Body>> | null>;
}

/** One page. Iterating it yields the items of this page and of all following pages. */
export type Page<Body extends List<unknown>> = Body & Paging<Body>;

type FetchPage<Body> = (cursor?: string) => Promise<WithResponse<Body>>;

/**
 * `await` resolves to the first page. `for await` yields every item and fetches further pages on demand. No request is made
 * before the first `await` or iteration.
 */
export class Pages<Body extends List<unknown>>
  extends ApiPromise<Page<Body>>
  implements AsyncIterable<ItemOf<Body>>
{
  constructor(fetchPage: FetchPage<Body>) {
    let first: Promise<WithResponse<Page<Body>>> | undefined;
    super(() => {
      first ??= fetchPage().then((body) => pageOf(body, fetchPage));
      return first;
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ItemOf<Body>, void> {
    yield* await this;
  }
}

/** Methods are on the prototype, so that a page prints and compares like the body of the response. */
function pageOf<Body extends List<unknown>>(
  { data: body, response }: WithResponse<Body>,
  fetchPage: FetchPage<Body>,
): WithResponse<Page<Body>> {
  const methods: Paging<Body> = {
    async nextPage() {
      if (body.next_cursor === null) return null;
      return pageOf(await fetchPage(body.next_cursor), fetchPage).data;
    },
    async *[Symbol.asyncIterator]() {
      for (let at: Page<Body> | null = page; at; at = await at.nextPage()) yield* at.data;
    },
  };
  const page: Page<Body> = Object.assign(Object.create(methods), body);
  return received(page, response);
}
