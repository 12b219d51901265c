import { MatchersV3 } from '@pact-foundation/pact';
import { expect } from 'chai';
import { type ApiError, type Client, createClient } from '../../../sdk/src/index.ts';
import type { Interaction } from '../agreement.ts';
import { uuid } from '../shapes.ts';

const { fromProviderState, regex } = MatchersV3;

export const API_KEY = 'contract-key';
/** The ids in the contract; a real service has its own ids. */
export const IDS = { id: 1, other_id: 3 };
/** The Idempotency-Key of every POST; `n` makes the key unique. */
export const keyed = (n: number) => ({
  'Idempotency-Key': uuid(`6f1c9f3e-0d1b-4f5e-9c57-0f4f1d7c2a${String(n).padStart(2, '0')}`),
});

type Request = Interaction['request'];

interface Call extends Pick<Interaction, 'is' | 'given' | 'response'> {
  /** As `GET /api/messages/{id}`. */
  operation: string;
  key?: string;
  query?: NonNullable<Request['query']>;
  headers?: NonNullable<Request['headers']>;
  body?: unknown;
  calls(client: Client): PromiseLike<unknown>;
}

/** A call of the SDK that succeeds. */
export function call({ operation, key = API_KEY, query, headers, body, calls, ...about }: Call): Interaction {
  const [method = '', path = ''] = operation.split(' ');
  return {
    ...about,
    request: {
      method,
      path: located(path),
      headers: { Authorization: regex(/^Bearer \S+$/, `Bearer ${key}`), ...headers },
      ...(query && { query }),
      ...(body !== undefined && { body }),
    },
    asks: async (url) => {
      const made = await calls(createClient({ baseUrl: url, apiKey: key, maxRetries: 0 }));
      expect(JSON.parse(JSON.stringify(made))).to.deep.equal(MatchersV3.reify(about.response.body));
    },
  };
}

type ErrorClass = abstract new (...given: never[]) => ApiError;

/** A call of the SDK that fails, and its error. */
export function failing(kind: ErrorClass, code: ApiError['code'], about: Call): Interaction {
  return call({
    ...about,
    calls: (client) =>
      about.calls(client).then(
        () => expect.fail('It was to fail'),
        (error) => {
          expect(error).to.be.instanceOf(kind).with.property('code', code);
          return MatchersV3.reify(about.response.body);
        },
      ),
  });
}

/** A path with the ids of the provider's state. */
function located(path: string): Request['path'] {
  if (!path.includes('{')) return path;
  const example = path.replace(/\{(\w+)\}/g, (_, name) => String(IDS[name as keyof typeof IDS]));
  return fromProviderState(path.replaceAll('{', '$' + '{'), example);
}
