/** A list as the service gives it. */
export interface List<Item> {
  data: Item[];
  /** Null on the last page. */
  next_cursor: string | null;
}

export type ItemOf<Body extends List<unknown>> = Body['data'][number];

export interface Paging<Body extends List<unknown>> extends AsyncIterable<ItemOf<Body>> {
  /** The page after this one, or null on the last. */
  nextPage(): Promise<Page<Body> | null>;
}

/** One page, as the service gave it. Iterating over it goes through its items and those of all pages after it. */
export type Page<Body extends List<unknown>> = Body & Paging<Body>;

/** `await` gives the first page; `for await` gives every item, and asks for a page when it gets there. */
export interface Pages<Body extends List<unknown>> extends Promise<Page<Body>>, AsyncIterable<ItemOf<Body>> {}

type FetchPage<Body> = (cursor: string | undefined) => Promise<Body>;

/** Nothing is asked for before somebody awaits or iterates. */
export function paginate<Body extends List<unknown>>(fetchPage: FetchPage<Body>): Pages<Body> {
  let first: Promise<Page<Body>> | undefined;
  const start = () => {
    first ??= fetchPage(undefined).then((body) => pageOf(body, fetchPage));
    return first;
  };
  return {
    // biome-ignore lint/suspicious/noThenProperty: it is a promise that starts late
    then: (onFulfilled, onRejected) => start().then(onFulfilled, onRejected),
    catch: (onRejected) => start().catch(onRejected),
    finally: (onFinally) => start().finally(onFinally),
    [Symbol.toStringTag]: 'Promise',
    async *[Symbol.asyncIterator]() {
      yield* await start();
    },
  };
}

/** Its own enumerable fields are those of the body, so that it prints and compares as what the service gave. */
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
