import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import { eventOf } from '../../../src/simulator/dialects/vonage/inbound.ts';
import { statusOf } from '../../../src/simulator/dialects/vonage/statuses.ts';
import { defaults } from '../../../src/simulator/settings.ts';
import { NO_DESCRIPTION } from '../../support/provider-specs.ts';
import { uuidOf } from '../../support/vonage.ts';
import { FROM, TO } from './support.ts';

const path = join(process.env.PROVIDER_SPECS ?? '', 'webhooks/vonage-messages.schema.json');
const found = process.env.PROVIDER_SPECS && existsSync(path);

/** The webhooks of the simulator, compared with Vonage's own schemas. */
describe(`Vonage's own schemas of webhooks${found ? '' : NO_DESCRIPTION}`, () => {
  let errorsOf: (schema: 'status' | 'inbound', event: object) => unknown;
  before(function () {
    if (!found) return this.skip();
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema(JSON.parse(readFileSync(path, 'utf8')), 'vonage');
    errorsOf = (schema, event) => {
      const validate = ajv.compile({ $ref: `vonage#/$defs/${schema}` });
      return validate(JSON.parse(JSON.stringify(event))) ? null : validate.errors;
    };
  });

  const request = { channel: 'sms' as const, message_type: 'text', to: TO, from: FROM, client_ref: 'echo' };
  const status = (word: string, errorCode: number | null = null) =>
    statusOf({ id: uuidOf(1), request }, { status: word, errorCode }, defaults);

  it('accept each status', () => {
    for (const event of [
      ...['submitted', 'delivered'].map((word) => status(word)),
      ...[status('rejected', 1210), status('undeliverable', 1180)],
    ])
      expect(errorsOf('status', event)).to.equal(null);
  });

  it('accept inbound SMS and MMS', () => {
    const media = { url: 'https://api.nexmo.com/v3/media/1', name: 'a' };
    expect(errorsOf('inbound', eventOf({}))).to.equal(null);
    for (const type of ['image', 'audio', 'video', 'vcard'])
      expect(errorsOf('inbound', eventOf({ [type]: media })), type).to.equal(null);
  });

  it('refuse other statuses and messages', () => {
    expect(errorsOf('status', status('teleported'))).not.to.equal(null);
    expect(errorsOf('status', { ...status('delivered'), to: undefined })).not.to.equal(null);
    expect(errorsOf('inbound', { ...eventOf({}), channel: 'fax' })).not.to.equal(null);
  });
});
