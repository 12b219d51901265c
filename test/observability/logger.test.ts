import { execFileSync } from 'node:child_process';
import { expect } from 'chai';

describe('The log', () => {
  it('has the message and code of an error and its causes, without properties that drivers attach', () => {
    const program = `
      import { createLogger } from './src/observability/logger.ts';
      const error = Object.assign(new Error('violates a constraint'), { detail: 'Failing row contains (secret text)', where: 'JSON data: secret text' });
      createLogger('info').error({ err: error }, 'failure');
      createLogger('info').error({ err: new Error('outer', { cause: error }) }, 'failure');
      createLogger('info').error({ err: Object.assign(new Error('outer'), { nativeError: error }) }, 'failure');
      const client = { connectionParameters: { password: 'secret text' }, secretKey: 'secret text' };
      createLogger('info').error({ err: Object.assign(new Error('lost'), { code: '57P01', client }) }, 'failure');
      createLogger('info').error({ err: { message: 'secret text' } }, 'failure');`;
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
    });
    expect(output).to.contain('violates a constraint').and.to.contain('"code":"57P01"');
    expect(output).not.to.contain('secret text');
    expect(output.match(/"cause":/g)).to.have.length(2);
  });
});
