import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { KINDS } from '../../../src/providers/registry.ts';

describe('The conformance suite', () => {
  for (const { config } of KINDS)
    it(`is run by the kind '${config.name}', in ${config.name}.test.ts`, () => {
      const file = new URL(`${config.name}.test.ts`, import.meta.url);
      expect(existsSync(file)).to.equal(true);
      expect(readFileSync(file, 'utf8')).to.include(`describeKind('${config.name}',`);
    });
});
