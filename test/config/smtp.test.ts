import { expect } from 'chai';
import { StartError } from '../../src/errors.ts';
import { loadConfig } from '../../src/service/service.ts';

const URL = 'smtp://shop%40example.com:p%40ss%2Fword@mail.example.com';

const load = (more: Record<string, string> = {}) =>
  loadConfig({ EMAIL_PROVIDERS: 'smtp', SMTP_URL: URL, ...more }).accounts.find(
    ({ name }) => name === 'smtp',
  );
const faultsOf = (more: Record<string, string>): string[] => {
  try {
    load(more);
  } catch (error) {
    if (error instanceof StartError) return [...error.reasons];
    throw error;
  }
  return [];
};

describe('The configuration of an SMTP account', () => {
  it('has the parts of the URL, and requires TLS by default', () => {
    expect(load()?.settings).to.deep.equal({
      ...{ host: 'mail.example.com', port: 587, implicitTls: false, requireTls: true },
      ...{ credentials: { user: 'shop@example.com', password: 'p@ss/word' }, name: null },
      ...{ maxConnections: 5, ca: null },
    });
    expect(load({ SMTP_URL: 'smtps://[::1]' })?.settings).to.include({
      ...{ host: '::1', port: 465, implicitTls: true, credentials: null },
    });
  });

  it('refuses a server elsewhere without TLS, in every environment', () => {
    const fault =
      'SMTP_REQUIRE_TLS: false is allowed only for a server on this machine (localhost, 127.0.0.1 or ::1): passwords and emails would be sent in plain text';
    for (const NODE_ENV of ['development', 'production'])
      expect(faultsOf({ SMTP_REQUIRE_TLS: 'false', NODE_ENV })).to.include(fault);
    for (const SMTP_URL of ['smtp://localhost:2525', 'smtp://127.0.0.1', 'smtp://[::1]:25'])
      expect(load({ SMTP_URL, SMTP_REQUIRE_TLS: 'false' })?.settings).to.include({ requireTls: false });
  });

  it('names the fault of each variable, and never repeats the URL', () => {
    const cases: [Record<string, string>, string][] = [
      [{ SMTP_URL: 'http://mail.example.com' }, 'SMTP_URL: is not a URL such as'],
      [{ SMTP_URL: 'smtp://' }, 'SMTP_URL: is not a URL such as'],
      [{ SMTP_URL: 'smtp://shop:sec/ret@mail.example.com' }, 'SMTP_URL: '],
      [{ SMTP_URL: 'smtp://shop:secret@mail.example.com/x' }, 'SMTP_URL: has a path, a query or a fragment'],
      [
        { SMTP_URL: 'smtp://shop:secret%zz@mail.example.com' },
        'SMTP_URL: has a user or a password that is not',
      ],
      [{ SMTP_URL: 'smtp://shop@mail.example.com' }, 'SMTP_URL: has a user without a password'],
      [{ SMTP_POOL: '0' }, 'SMTP_POOL: "0" is not a number of connections, from 1 to 50'],
      [{ SMTP_NAME: 'a b' }, 'SMTP_NAME: "a b" is not a host name'],
      [{ SMTP_CA_FILE: '/nowhere.pem' }, 'SMTP_CA_FILE: '],
    ];
    for (const [variables, start] of cases) {
      const faults = faultsOf(variables);
      expect(
        faults.filter((fault) => fault.startsWith(start)),
        JSON.stringify(variables),
      ).to.have.lengthOf(1);
      expect(faults.join()).to.not.include('secret').and.not.include('sec/ret');
    }
  });
});
