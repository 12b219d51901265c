import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { NO_DESCRIPTION } from '../../support/provider-specs.ts';

/** The names in the collection of vectors, and the files here. */
const FILES = {
  twilio: 'twilio.json',
  sendgrid: 'sendgrid.json',
  telnyx: 'telnyx.json',
  'vonage-messages': 'vonage-messages.json',
  svix: 'standard-webhooks.json',
  sns: 'sns.json',
  sigv4: 'sigv4.json',
};

const path = join(process.env.PROVIDER_SPECS ?? '', 'vectors.json');
const found = process.env.PROVIDER_SPECS && existsSync(path);

describe(`The public signature vectors${found ? '' : NO_DESCRIPTION}`, () => {
  before(function () {
    if (!found) this.skip();
  });

  for (const [name, file] of Object.entries(FILES))
    it(`of ${name} are all in ${file}`, () => {
      // Those of SNS are one object, because they have one certificate.
      const own = [JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'))].flat();
      const all: object[] = [JSON.parse(readFileSync(path, 'utf8'))[name]].flat();
      expect(own).to.have.lengthOf(all.length);
      for (const [index, vector] of all.entries())
        for (const [field, value] of Object.entries(own[index]))
          expect((vector as Record<string, unknown>)[field], field).to.deep.equal(value);
    });
});
