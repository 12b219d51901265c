/** The reason of a rejected promise; throws if the promise resolves. */
export async function rejection(promise: PromiseLike<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`It was to reject, and gave ${JSON.stringify(value)}`);
}

/** The items of all pages. */
export async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** The body of an error response of the service. */
export function problemBody(status: number): string {
  return JSON.stringify({ status, code: 'internal', detail: 'Sorry.', request_id: 'request-1' });
}
