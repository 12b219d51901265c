import { execFileSync } from 'node:child_process';
import { expect } from 'chai';

describe('The log', () => {
  it('does not repeat what PostgreSQL quotes of a row', () => {
    const program = `
      import { createLogger } from './src/observability/logger.ts';
      const error = Object.assign(new Error('violates a constraint'), { detail: 'Failing row contains (secret text)', where: 'JSON data: secret text' });
      createLogger('info').error({ err: error }, 'failure');
      createLogger('info').error({ err: new Error('outer', { cause: error }) }, 'failure');
      createLogger('info').error({ err: Object.assign(new Error('outer'), { nativeError: error }) }, 'failure');`;
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
    });
    expect(output).to.contain('violates a constraint').and.not.to.contain('secret text');
  });
});
