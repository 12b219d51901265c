/** One page of a list, as the service returns it. */
export interface List<Item> {
  data: Item[];
  /** Null on the last page. */
  next_cursor: string | null;
}

export type ItemOf<Body extends List<unknown>> = Body['data'][number];

export interface Paging<Body extends List<unknown>> extends AsyncIterable<ItemOf<Body>> {
  /** The next page; null after the last page. */
  nextPage(): Promise<Page<Body> | null>;
}

/** One page. Iterating it yields the items of this page and of all following pages. */
export type Page<Body extends List<unknown>> = Body & Paging<Body>;

/** `await` resolves to the first page. `for await` yields every item and fetches further pages on demand. */
export interface Pages<Body extends List<unknown>> extends Promise<Page<Body>>, AsyncIterable<ItemOf<Body>> {}

type FetchPage<Body> = (cursor: string | undefined) => Promise<Body>;

/** No request is made before the first `await` or iteration. */
export function paginate<Body extends List<unknown>>(fetchPage: FetchPage<Body>): Pages<Body> {
  let first: Promise<Page<Body>> | undefined;
  const start = () => {
    first ??= fetchPage(undefined).then((body) => pageOf(body, fetchPage));
    return first;
  };
  return {
    // biome-ignore lint/suspicious/noThenProperty: a promise that starts on demand
    then: (onFulfilled, onRejected) => start().then(onFulfilled, onRejected),
    catch: (onRejected) => start().catch(onRejected),
    finally: (onFinally) => start().finally(onFinally),
    [Symbol.toStringTag]: 'Promise',
    async *[Symbol.asyncIterator]() {
      yield* await start();
    },
  };
}

/** Methods are on the prototype, so that a page prints and compares like the body of the response. */
function pageOf<Body extends List<unknown>>(body: Body, fetchPage: FetchPage<Body>): Page<Body> {
  const methods: Paging<Body> = {
    async nextPage() {
      if (body.next_cursor === null) return null;
      return pageOf(await fetchPage(body.next_cursor), fetchPage);
    },
    async *[Symbol.asyncIterator]() {
      for (let at: Page<Body> | null = page; at; at = await at.nextPage()) yield* at.data;
    },
  };
  const page: Page<Body> = Object.assign(Object.create(methods), body);
  return page;
}
