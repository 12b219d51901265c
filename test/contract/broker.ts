import { createServer } from 'node:http';
import express, { type RequestHandler } from 'express';
import { listen } from '../support/listen.ts';

export interface Result {
  success: boolean;
  providerApplicationVersion: string;
  testResults: unknown[];
}

/**
 * As much of a Pact broker's HTTP API (HAL) as a verification uses, with one contract in it: the index, the list of
 * contracts, the contract and its results. A real broker is a Ruby service with a database of its own.
 */
export async function startBroker(contract: string, token: string) {
  const results: Result[] = [];
  const app = express();
  const server = createServer(app);
  const url = `http://127.0.0.1:${await listen(server)}`;
  const { provider, consumer } = JSON.parse(contract);
  const pact = `${url}/pacts/provider/${provider.name}/consumer/${consumer.name}/pact-version/1`;
  const hal =
    (body: (name: string) => object): RequestHandler =>
    (request, response) => {
      response.type('application/hal+json').json(body(String(request.params.name)));
    };
  const answers = express.Router();
  answers.use((request, response, next) => {
    if (request.get('authorization') === `Bearer ${token}`) next();
    else response.status(401).end();
  });
  answers.use(express.json({ type: ['json', '+json'] }));
  const forVerification = { href: `${url}/pacts/provider/{provider}/for-verification`, templated: true };
  answers.get(
    '/',
    hal(() => ({ _links: { 'pb:provider-pacts-for-verification': forVerification } })),
  );
  answers.all(
    '/pacts/provider/:name/for-verification',
    hal((name) => ({
      _embedded: {
        pacts:
          name === provider.name ? [{ shortDescription: 'latest', _links: { self: { href: pact } } }] : [],
      },
      _links: { self: { href: `${url}/pacts/provider/${name}/for-verification` } },
    })),
  );
  answers.get(
    new URL(pact).pathname,
    hal(() => ({
      ...JSON.parse(contract),
      _links: { self: { href: pact }, 'pb:publish-verification-results': { href: `${pact}/results` } },
    })),
  );
  answers.post(`${new URL(pact).pathname}/results`, (request, response) => {
    results.push(request.body);
    response
      .status(201)
      .type('application/hal+json')
      .json({ _links: { self: { href: `${pact}/results/1` } } });
  });
  app.use(answers);
  return { url, results, stop: () => server.close() };
}
