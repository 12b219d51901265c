import { expect } from 'chai';
import { openApiDocument } from '../../../src/openapi/document.ts';
import { inboundSms, sms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';

interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  schema: { type?: string; minimum?: number; maximum?: number; items?: object };
}

interface IntegerParameter extends Parameter {
  method: string;
  path: string;
}

const document = openApiDocument() as unknown as {
  paths: Record<string, Record<string, { parameters?: object[] }>>;
};

function resolve<T>(node: object): T {
  const { $ref } = node as { $ref?: string };
  if ($ref === undefined) return node as T;
  return $ref
    .slice('#/'.length)
    .split('/')
    .reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], document) as T;
}

/** Every integer in a path or a query string of the contract. */
const integers: IntegerParameter[] = Object.entries(document.paths).flatMap(([path, operations]) =>
  Object.entries(operations).flatMap(([method, { parameters = [] }]) =>
    parameters
      .map((node) => resolve<Parameter>(node))
      .map((parameter) => ({
        ...parameter,
        schema: resolve<Parameter['schema']>(parameter.schema),
        method,
        path,
      }))
      .filter(({ schema }) => schema.type === 'integer'),
  ),
);

/** Valid bodies of operations that need one. */
const BODIES: Record<string, object> = {
  'patch /api/endpoints/{id}': { enabled: false },
  'post /api/endpoints/{id}/replay': { failed: true },
};

/** Valid values of parameters in a path; the others are ids. */
const PARAMETERS: Record<string, string> = { address: '12345' };

/** URL-encoded texts that some languages parse as a number. */
const NOT_DECIMAL = [
  '1e400',
  '-1e400',
  'Infinity',
  '-Infinity',
  'NaN',
  '1e2',
  '1E0',
  '0x1',
  '0b1',
  '0o1',
  '01',
  '00',
  '%2B1',
  '-1',
  '-0',
  '1.0',
  '1.',
  '.5',
  '1%20',
  '%201',
  '%091',
  '1%0A',
  '1%00',
  '1_000',
  '1,000',
  '1n',
  'true',
  'null',
  '%5B1%5D',
  '%D9%A1', // ARABIC-INDIC DIGIT ONE
  '%EF%BC%91', // FULLWIDTH DIGIT ONE
  '%C2%B9', // SUPERSCRIPT ONE
  '9007199254740992',
  '9007199254740993',
  '18446744073709551616',
  '1'.repeat(400),
];

describe('An integer in a path or a query string', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
    await service.request('POST', '/api/messages/sms', sms);
  });
  after(() => service.stop());

  /** The status and the paths of the errors, for one value of this parameter. */
  const ask = async (parameter: IntegerParameter, text: string) => {
    const filled = parameter.path.replace(/\{(\w+)\}/g, (_, name) =>
      name === parameter.name ? text : (PARAMETERS[name] ?? '1'),
    );
    const url = parameter.in === 'path' ? filled : `${filled}?${parameter.name}=${text}`;
    const content =
      BODIES[`${parameter.method} ${parameter.path}`] ?? (parameter.method === 'patch' ? {} : undefined);
    const { status, body } = await service.request(parameter.method.toUpperCase(), url, content);
    return { status, paths: (body.errors ?? []).map(({ path }: { path: string }) => path) };
  };

  it('is tested for several parameters of the contract', () => {
    const names = new Set(integers.map(({ name }) => name));
    expect([...names].sort()).to.deep.equal([
      'after',
      'after_id',
      'conversation_id',
      'event_id',
      'expires',
      'id',
      'limit',
      'other_id',
    ]);
  });

  for (const parameter of integers) {
    const { name, in: location, method, path, schema } = parameter;
    it(`is refused with its path unless it is decimal digits: ${name} of ${method.toUpperCase()} ${path}`, async () => {
      for (const text of NOT_DECIMAL)
        expect(await ask(parameter, text), text).to.deep.equal({
          status: 422,
          paths: [`/${location}/${name}`],
        });
    });

    it(`is refused outside of its bounds: ${name} of ${method.toUpperCase()} ${path}`, async () => {
      const { minimum = 0, maximum = 0 } = schema;
      const outside = [`${BigInt(maximum) + 1n}`, ...(minimum > 0 ? [`${minimum - 1}`] : [])];
      for (const text of outside)
        expect(await ask(parameter, text), text).to.deep.equal({
          status: 422,
          paths: [`/${location}/${name}`],
        });
      // The response to an accepted request does not end.
      if (path.endsWith('/stream')) return;
      for (const text of [`${minimum}`, `${maximum}`])
        expect((await ask(parameter, text)).paths, text).to.deep.equal([]);
    });

    if (location !== 'query') continue;
    it(`is refused when empty, repeated or in brackets: ${name} of ${method.toUpperCase()} ${path}`, async () => {
      const filled = path.replace(/\{(\w+)\}/g, (_, parameter) => PARAMETERS[parameter] ?? '1');
      for (const query of [
        `${name}=`,
        name,
        `${name}=1&${name}=2`,
        `${name}=1&${name}=1`,
        `${name}[]=1`,
        `${name}[0]=1`,
        `${name}[a]=1`,
        `${name}=1&${name}[]=2`,
        `${name}%5B%5D=1`,
      ]) {
        const { status, body } = await service.request('GET', `${filled}?${query}`);
        expect(status, query).to.equal(422);
        expect(body.errors[0].path, query).to.match(new RegExp(`^/query/${name}`));
      }
    });
  }

  it('is an unknown parameter if its name has an unmatched bracket', async () => {
    for (const name of ['limit[', 'limit]', '[limit]', '[', 'limit[=]']) {
      const { status } = await service.request('GET', `/api/messages?${encodeURIComponent(name)}=1`);
      expect(status, name).to.equal(422);
    }
  });

  it('is accepted with its digits percent-encoded', async () => {
    const { status, body } = await service.request('GET', '/api/messages/%31?');
    expect([status, body.id]).to.deep.equal([200, 1]);
    expect((await service.request('GET', '/api/messages?limit=%31')).status).to.equal(200);
  });
});

describe('A number in a JSON body beyond the range of a double', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());

  const TOO_LARGE = [
    '1e400',
    '-1e400',
    '1E+999',
    '12e308',
    '1'.repeat(400),
    `${'1'.repeat(300)}e99`,
    '1e0400',
  ];
  const withField = (body: object, field: string, text: string) =>
    JSON.stringify({ ...body, [field]: 0 }).replace(`"${field}":0`, `"${field}":${text}`);

  it('is refused in every field of the contract', async () => {
    const fields = [
      'from',
      'to',
      'body',
      'subject',
      'timestamp',
      'send_at',
      'reply_to',
      'attachments',
      'metadata',
    ];
    for (const field of fields)
      for (const text of TOO_LARGE) {
        const { status, body } = await service.request(
          'POST',
          '/api/messages/send',
          withField(sms, field, text),
        );
        expect(status, `${field} ${text}`).to.equal(422);
        expect(body.errors[0].path).to.equal(`/body/${field}`);
      }
  });

  it('is accepted as the error code of a receipt', async () => {
    for (const text of TOO_LARGE) {
      const receipt = { messaging_provider_id: 'unknown', status: 'failed' };
      for (const sent of [withField(receipt, 'error', text), withField(receipt, 'error', `{"code":${text}}`)])
        expect((await service.request('POST', '/api/webhooks/sms/status', sent)).status, text).to.equal(200);
    }
  });

  it('is stored as text in an unknown field of a webhook', async () => {
    for (const [index, text] of TOO_LARGE.entries()) {
      const event = { ...inboundSms, messaging_provider_id: `number-${index}`, finite: 1e300 };
      const sent = withField(event, 'extra', `{"deep":[1,${text}]}`);
      expect((await service.request('POST', '/api/webhooks/sms', sent)).status, text).to.equal(200);
      const [row] = await query<{ payload: object }>(
        service.databaseUrl,
        'select payload from messages where provider_message_id = $1',
        [event.messaging_provider_id],
      );
      const expected = text.startsWith('-') ? '-Infinity' : 'Infinity';
      expect(row?.payload).to.deep.equal({ ...event, extra: { deep: [1, expected] } });
    }
  });
});
