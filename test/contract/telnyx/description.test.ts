import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import { NO_DESCRIPTION } from '../../support/provider-specs.ts';
import { findings } from '../agreement.ts';
import { readContract } from '../contract-file.ts';
import { contractWithTelnyx } from './contract.ts';

interface Interaction {
  description: string;
  request: { method: string; path: string; headers: Record<string, string[]>; body: { content: Body } };
  response: { status: number; body: { content: Record<string, unknown> } };
}

type Body = Record<string, unknown> & {
  data: { event_type: string; payload: Record<string, unknown> };
};

const read = (file: string) => {
  const path = join(process.env.PROVIDER_SPECS ?? '', file);
  return process.env.PROVIDER_SPECS && existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null;
};
const description = read('telnyx.json');
const schemas = read('webhooks/telnyx.schema.json');
const examples: Record<string, Body> | undefined = read('webhooks/examples.json')?.telnyx;
const found = description && schemas && examples;

describe(`The contracts with Telnyx, compared with the documents of Telnyx${found ? '' : NO_DESCRIPTION}`, () => {
  let requests: { interactions: Interaction[] };
  let webhooks: { interactions: Interaction[] };
  before(async function () {
    if (!found) return this.skip();
    requests = JSON.parse(await readContract('messaging-service', 'telnyx'));
    webhooks = JSON.parse(await readContract('telnyx', 'messaging-service'));
  });

  /** The description has no messaging profiles, and lacks `group_message_id`, which Telnyx documents on other pages. */
  const described = (contract: { interactions: Interaction[] }) => {
    const { interactions } = structuredClone(contract);
    for (const { response } of interactions) {
      const { data } = response.body?.content ?? {};
      if (typeof data === 'object' && data !== null && 'group_message_id' in data)
        delete data.group_message_id;
    }
    return {
      ...contract,
      interactions: interactions.filter(({ request }) => request.path.startsWith('/v2/messages')),
    };
  };
  /** The paths of the description begin after the version. */
  const withoutVersion = (text: string) => text.replaceAll('"/v2/messages', '"/messages');
  /** The description has one response for all errors, without their headers. */
  const isOfError = (finding: string) => /: response\.(?:status\.default|header\.undefined),/.test(finding);
  const compare = async (contract: { interactions: Interaction[] }) =>
    (await findings(withoutVersion(JSON.stringify(described(contract))), description)).filter(
      (finding) => !isOfError(finding),
    );
  const validate = (body: Body, schema: string) => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
    const valid = ajv.addSchema(schemas, 'webhooks').compile({ $ref: `webhooks#/$defs/${schema}` });
    return { isValid: valid(body), errors: JSON.stringify(valid.errors) };
  };
  const schemaOf = ({ data }: Body) =>
    data.event_type === 'message.received' ? 'InboundMessageEvent' : 'OutboundMessageEvent';

  it('the requests and the responses are valid by its API description', async () => {
    expect(await compare(requests)).to.deep.equal([]);
  });

  it('a request or a response that is not valid is found', async () => {
    const changed = structuredClone(requests);
    const of = (text: string) =>
      changed.interactions.find(({ description: is }) => is === text) as Interaction;
    of('a request to send an SMS').request.body.content.type = 'FAX';
    of('a request to send an MMS').response.body.content = { data: { id: 5 } };
    const codes = (await compare(changed)).map((finding) => finding.split(',')[0]);
    expect([...new Set(codes)]).to.have.members([
      'a request to send an SMS: request.body.incompatible',
      'a request to send an MMS: response.body.incompatible',
    ]);
  });

  it('the webhooks are valid by its schemas', () => {
    for (const { description: is, request } of webhooks.interactions) {
      const { content } = request.body;
      const { isValid, errors } = validate(content, schemaOf(content));
      // In groups, Telnyx gives some recipients a status that its schema does not have.
      const isOfGroup = content.data.payload.group_message_id !== undefined;
      if (!isOfGroup) expect(isValid, `${is}: ${errors}`).to.equal(true);
      else
        expect(errors)
          .to.match(/enum/)
          .and.not.match(/required|type"/);
    }
  });

  it('the examples of its webhooks are valid by openapi.yaml', async () => {
    const [webhook] = webhooks.interactions.filter(({ description: is }) => is === 'an inbound SMS');
    const interactions = Object.entries(examples ?? {}).map(([name, content]) => ({
      ...(webhook as Interaction),
      description: name,
      request: { ...webhook?.request, body: { ...webhook?.request.body, content } },
    }));
    const contract = JSON.stringify({ ...webhooks, interactions });
    expect(await findings(contract, contractWithTelnyx())).to.deep.equal([]);
  });
});
