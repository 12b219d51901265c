import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { NO_DESCRIPTION } from '../../support/provider-specs.ts';
import { findings } from '../agreement.ts';
import { readContract } from '../contract-file.ts';
import { contractWithTwilio } from './contract.ts';

const MESSAGES = '/2010-04-01/Accounts/{AccountSid}/Messages.json';

interface Schema {
  type?: string;
  items?: object;
}

interface OpenApi {
  paths: Record<
    string,
    {
      post?: { requestBody: { content: Record<string, { schema: { properties: Record<string, Schema> } }> } };
    }
  >;
}

interface Interaction {
  description: string;
  request: {
    method: string;
    path: string;
    query?: Record<string, string[]>;
    headers: Record<string, string[]>;
    body: { content: string };
  };
  response: { status: number; headers: object; body: { content: object } };
}

const read = (file: string) => {
  const path = join(process.env.PROVIDER_SPECS ?? '', file);
  return process.env.PROVIDER_SPECS && existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null;
};
/** The values of a form are texts, and a list with one value is one text. */
function withTexts(document: OpenApi): OpenApi {
  const form = document.paths[MESSAGES]?.post?.requestBody.content['application/x-www-form-urlencoded'];
  for (const [name, schema] of Object.entries(form?.schema.properties ?? {})) {
    const texts: Record<string, object> = {
      array: { anyOf: [schema, schema.items] },
      boolean: { enum: ['true', 'false'] },
    };
    const text = texts[schema.type ?? ''];
    if (form && text) form.schema.properties[name] = text;
  }
  return document;
}

const found = read('twilio.json');
const description = found && withTexts(found);
const examples: Record<string, { body: string }> | undefined = read('webhooks/examples.json')?.twilio;

describe(`The contracts with Twilio, compared with the documents of Twilio${description && examples ? '' : NO_DESCRIPTION}`, () => {
  let requests: { interactions: Interaction[] };
  let webhooks: { interactions: Interaction[] };
  before(async function () {
    if (!description || !examples) return this.skip();
    requests = JSON.parse(await readContract('messaging-service', 'twilio'));
    webhooks = JSON.parse(await readContract('twilio', 'messaging-service'));
  });

  /** The description has no responses for errors: only their requests are compared. */
  const isOfError = (finding: string) => /response\.status\.unknown.*: [45]\d\d /.test(finding);
  const compare = async (contract: object) =>
    (await findings(JSON.stringify(contract), description)).filter((finding) => !isOfError(finding));

  it('the requests and the responses are valid by its API description', async () => {
    expect(await compare(requests)).to.deep.equal([]);
  });

  it('a request, a query or a response that is not valid is found', async () => {
    const changed = structuredClone(requests);
    const of = (text: string) =>
      changed.interactions.find(({ description: is }) => is === text) as Interaction;
    of('a request to send an SMS').request.body.content += '&SendAsMms=maybe';
    of('a request to send an MMS').response.body.content = { sid: 5 };
    of('a look-up of a message that was not sent').request.query = { Colour: ['red'] };
    const codes = (await compare(changed)).map((finding) => finding.split(',')[0]);
    expect([...new Set(codes)]).to.have.members([
      'a request to send an SMS: request.body.incompatible',
      'a request to send an MMS: response.body.incompatible',
      'a look-up of a message that was not sent: request.query.unknown',
    ]);
  });

  it('the webhooks have the parameters of its examples, and no other parameter', () => {
    const namesOf = (body: string) => [...new URLSearchParams(body).keys()];
    const documented = new Set(Object.values(examples ?? {}).flatMap(({ body }) => namesOf(body)));
    const own = webhooks.interactions.flatMap(({ request }) => namesOf(request.body.content));
    expect(own.filter((name) => !documented.has(name))).to.deep.equal([]);
  });

  it('the examples of its webhooks are valid by openapi.yaml', async () => {
    const [webhook] = webhooks.interactions.filter(({ description: is }) => is === 'an inbound SMS');
    const interactions = Object.entries(examples ?? {}).map(([name, { body }]) => ({
      ...(webhook as Interaction),
      description: name,
      request: { ...webhook?.request, body: { ...webhook?.request.body, content: body } },
    }));
    const contract = JSON.stringify({ ...webhooks, interactions });
    expect(await findings(contract, contractWithTwilio())).to.deep.equal([]);
  });
});
