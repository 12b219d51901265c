import { expect } from 'chai';
import { KINDS, kindOf } from '../../src/providers/registry.ts';
import { loadConfig } from '../../src/service/service.ts';

describe('SIMULATE', () => {
  it('has the name of each kind, whose account is that of the simulator', () => {
    for (const { config } of KINDS) {
      const { accounts } = loadConfig({ SIMULATE: config.name });
      const own = accounts.filter(({ kind }) => kind === config.name);
      expect(own.length, config.name).to.be.at.least(1);
      for (const account of own) {
        expect(account, config.name).to.include({ simulated: true });
        expect(kindOf(account).create(account, 1_000), config.name).to.include({ isSimulated: true });
      }
    }
  });

  it('of another name stops the start with the names of the kinds', () => {
    const names = KINDS.map(({ config }) => config.name);
    expect(() => loadConfig({ SIMULATE: 'telegraph' }))
      .to.throw()
      .with.property('message')
      .that.includes(names[0]);
  });
});
