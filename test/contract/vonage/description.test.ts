import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { NO_DESCRIPTION } from '../../support/provider-specs.ts';
import { findings } from '../agreement.ts';
import { readContract } from '../contract-file.ts';
import { contractWithVonage } from './contract.ts';

interface Interaction {
  description: string;
  request: { path: string; body: { content: Record<string, unknown> } };
  response: { status: number; body: { content: Record<string, unknown> } };
}

interface OpenApi {
  servers: { url: string }[];
  paths: Record<string, object>;
}

const read = (file: string) => {
  const path = join(process.env.PROVIDER_SPECS ?? '', file);
  return process.env.PROVIDER_SPECS && existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null;
};

/** The description with the path of its server in its path. */
function withWholePath(document: OpenApi): OpenApi {
  const [{ url } = { url: '' }] = document.servers;
  const { pathname, origin } = new URL(url);
  return { ...document, servers: [{ url: origin }], paths: { [pathname]: document.paths['/'] ?? {} } };
}

const found = read('vonage-messages.json');
const description = found && withWholePath(found);
const examples: Record<string, Record<string, unknown>> | undefined =
  read('webhooks/examples.json')?.['vonage-messages'];

describe(`The contracts with Vonage, compared with the documents of Vonage${description && examples ? '' : NO_DESCRIPTION}`, () => {
  let requests: { interactions: Interaction[] };
  let webhooks: { interactions: Interaction[] };
  before(async function () {
    if (!description || !examples) return this.skip();
    requests = JSON.parse(await readContract('messaging-service', 'vonage'));
    webhooks = JSON.parse(await readContract('vonage', 'messaging-service'));
  });

  it('the requests and the responses are valid by its API description', async () => {
    expect(await findings(JSON.stringify(requests), description)).to.deep.equal([]);
  });

  it('a request or a response that is not valid is found', async () => {
    const changed = structuredClone(requests);
    const of = (text: string) =>
      changed.interactions.find(({ description: is }) => is === text) as Interaction;
    of('a request to send an SMS').request.body.content.message_type = 'hologram';
    of('a request to send an MMS').response.body.content = { message_uuid: 5 };
    of('a request to send without credit').request.path = '/v1/texts';
    const codes = (await findings(JSON.stringify(changed), description)).map((each) => each.split(',')[0]);
    expect([...new Set(codes)]).to.have.members([
      'a request to send an SMS: request.body.incompatible',
      'a request to send an MMS: response.body.incompatible',
      'a request to send without credit: request.path-or-method.unknown',
    ]);
  });

  it('the webhooks have the fields of its examples, and no other field', () => {
    const documented = new Set(Object.values(examples ?? {}).flatMap((event) => Object.keys(event)));
    const own = webhooks.interactions.flatMap(({ request }) => Object.keys(request.body.content));
    // The examples of SMS have no message_type, which the examples of MMS have.
    expect(own.filter((name) => !documented.has(name))).to.deep.equal([]);
  });

  it('the examples of its webhooks are valid by openapi.yaml', async () => {
    const [webhook] = webhooks.interactions.filter(({ description: is }) => is === 'an inbound SMS');
    const interactions = Object.entries(examples ?? {}).map(([name, content]) => ({
      ...(webhook as Interaction),
      description: name,
      request: { ...webhook?.request, body: { ...webhook?.request.body, content } },
    }));
    const contract = JSON.stringify({ ...webhooks, interactions });
    expect(await findings(contract, contractWithVonage())).to.deep.equal([]);
  });
});
