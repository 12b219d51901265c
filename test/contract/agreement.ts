import type { PactV4, V3Request, V3Response } from '@pact-foundation/pact';
import * as comparison from '@pactflow/openapi-pact-comparator';
import { expect } from 'chai';
import { strictContract } from '../support/strict-contract.ts';
import { contractPath, type Draft, draftContract, readContract, writeContract } from './contract-file.ts';
import { bodyOf, FORM_TYPE, type Form, rulesOf } from './form.ts';

type Request = Pick<V3Request, 'method' | 'path' | 'query' | 'headers' | 'body'> & {
  /** A form in place of a JSON body. */
  form?: Form;
};
type Response = Pick<V3Response, 'status' | 'headers' | 'body'> & {
  /** An XML document in place of a JSON body. */
  xml?: string;
};

/** One thing that a consumer asks of a provider. */
export interface Interaction {
  /** What the request is: it completes "upon receiving". */
  is: string;
  /** The state that the provider must have. */
  given?: [state: string, parameters?: Record<string, string>];
  request: Request;
  response: Response;
  /** Makes the request by the consumer's own code, against `url`, and checks what that made of the answer. */
  asks(url: string): Promise<void>;
}

/**
 * Records the contract of two sides from what its consumer really does, and holds it against the committed one.
 *
 * @param document the OpenAPI document of the service that the contract is compared with; default: openapi.yaml.
 */
export function describeContract(
  consumer: string,
  provider: string,
  interactions: Interaction[],
  isKept: () => Promise<void>,
  document?: object,
): void {
  describe(`${consumer} with ${provider}`, () => {
    let draft: Draft;
    before(async () => {
      draft = await draftContract(consumer, provider);
    });
    after(() => draft.remove());

    for (const interaction of interactions) {
      it(`${consumer} makes ${interaction.is}`, () => record(draft.pact, interaction));
    }

    it(`${contractPath(consumer, provider)} is what was recorded`, async () => {
      const text = await draft.text();
      if (process.env.UPDATE_CONTRACTS) await writeContract(consumer, provider, text);
      const committed = await readContract(consumer, provider);
      expect(committed, 'not current: UPDATE_CONTRACTS=1 make contracts').to.equal(text);
    });

    if (provider === 'messaging-service') {
      it(`${consumer} relies on nothing that openapi.yaml does not describe`, async () => {
        expect(await findings(await draft.text(), document)).to.deep.equal([]);
      });
    }

    it(`${provider} keeps to it`, isKept).timeout(60_000);
  });
}

/** Plays the provider to the consumer, and writes down what they agreed. */
async function record(pact: PactV4, { is, given, request, response, asks }: Interaction): Promise<void> {
  const interaction = pact.addInteraction().uponReceiving(is);
  if (given) interaction.given(...given);
  await interaction
    .withRequest(request.method, request.path, (builder) => {
      builder.headers(request.headers ?? {}).query(request.query ?? {});
      if (request.body !== undefined) builder.jsonBody(request.body);
      if (request.form) builder.body(FORM_TYPE, bodyOf(request.form)).matchingRules(rulesOf(request.form));
    })
    .willRespondWith(response.status, (builder) => {
      if (response.body !== undefined) builder.jsonBody(response.body);
      if (response.xml !== undefined) builder.body('text/xml', Buffer.from(response.xml));
      // After the body, which brings a type of its own.
      builder.headers(response.headers ?? {});
    })
    .executeTest(({ url }) => asks(url));
}

interface Finding {
  code: string;
  message: string;
  mockDetails?: { interactionDescription?: string; location: string };
}

/** The comparator's own types do not resolve in a module. */
const { Comparator } = comparison as unknown as {
  Comparator: new (documents: { oas: object }) => { compare(contract: unknown): AsyncIterable<Finding> };
};

/** Where a contract and an OpenAPI document differ, warnings included; by default openapi.yaml. */
export async function findings(contract: string, document: object = strictContract()): Promise<string[]> {
  const comparator = new Comparator({ oas: document });
  const found: string[] = [];
  for await (const { code, message, mockDetails } of comparator.compare(JSON.parse(contract))) {
    // XML, which only the verification compares.
    if (code === 'response.body.unvalidatable') continue;
    found.push(`${mockDetails?.interactionDescription}: ${code}, ${message} (${mockDetails?.location})`);
  }
  return found;
}
