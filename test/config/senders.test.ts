import { expect } from 'chai';
import { StartError } from '../../src/errors.ts';
import { hasSender } from '../../src/providers/eligibility.ts';
import { createRegistry } from '../../src/providers/registry.ts';
import { loadConfig } from '../../src/service/service.ts';

const accounts = {
  SMS_PROVIDERS: 'text-co',
  TEXT_CO_URL: 'http://127.0.0.1:9',
  TEXT_CO_KEY: 'key',
  EMAIL_PROVIDERS: 'mail-co',
  MAIL_CO_URL: 'http://127.0.0.1:9',
  MAIL_CO_KEY: 'key',
};

function faults(environment: Record<string, string>): string[] {
  try {
    loadConfig({ ...accounts, ...environment });
    return [];
  } catch (error) {
    if (error instanceof StartError) return error.reasons;
    throw error;
  }
}

/** Which of the addresses the account with these senders has. */
function owned(channel: 'sms' | 'email', senders: string, addresses: string[]): string[] {
  const variable = channel === 'sms' ? 'TEXT_CO_SENDERS' : 'MAIL_CO_SENDERS';
  const config = loadConfig({ ...accounts, [variable]: senders });
  const [account] = createRegistry(config.accounts, 1_000)[channel];
  return addresses.filter((address) => account && hasSender(account, address));
}

describe('The senders of an account', () => {
  it('are all senders by default, and with *', () => {
    const senders = (environment: Record<string, string>) =>
      loadConfig({ ...accounts, ...environment }).accounts.map((account) => account.senders);
    expect(senders({})).to.deep.equal([null, null]);
    expect(senders({ TEXT_CO_SENDERS: '', MAIL_CO_SENDERS: '*' })).to.deep.equal([null, null]);
    expect(senders({ TEXT_CO_SENDERS: '+12016661234, *' })).to.deep.equal([null, null]);
  });

  it('are phone numbers, short codes and sender ids in any case, normalised like the senders of messages', () => {
    const addresses = [
      '+12016661234',
      '+12016661235',
      '+525512345678',
      '72000',
      '720001',
      'AcMe Shop',
      'Acme',
    ];
    expect(owned('sms', '+1 (201) 666-1234, +5215512345678,72000,ACME shop', addresses)).to.deep.equal([
      ...['+12016661234', '+525512345678', '72000', 'AcMe Shop'],
    ]);
  });

  it('are email addresses, and domains without their subdomains', () => {
    const addresses = [
      ...['shop@example.com', 'any.one@example.com', 'a@mail.example.com', 'a@notexample.com'],
      ...['sales@other.example', 'support@other.example', 'a@xn--mller-kva.example'],
    ];
    expect(owned('email', 'Example.COM, Sales@Other.example, müller.example', addresses)).to.deep.equal([
      ...['shop@example.com', 'any.one@example.com', 'sales@other.example', 'a@xn--mller-kva.example'],
    ]);
  });

  it('stop the start with one line for each entry that is malformed or of another channel, all together', () => {
    const lines = faults({
      TEXT_CO_SENDERS: '2016661234,+1,shop@example.com,example.com,+12016661234,much too long a name',
      MAIL_CO_SENDERS: '+12016661234,72000,acme,@example.com,*@example.com,a@b@c,example.com',
    });
    const entries = (variable: string) =>
      lines
        .filter((line) => line.startsWith(`${variable}: "`))
        .map((line) => line.slice(variable.length + 3, line.lastIndexOf('" is not')));
    expect(entries('TEXT_CO_SENDERS')).to.have.members([
      ...['2016661234', '+1', 'shop@example.com', 'example.com', 'much too long a name'],
    ]);
    expect(entries('MAIL_CO_SENDERS')).to.have.members([
      ...['+12016661234', '72000', 'acme', '@example.com', '*@example.com', 'a@b@c'],
    ]);
    expect(lines).to.have.length(11);
    expect(lines.join('\n'))
      .to.match(/a phone number in E\.164.*\n/)
      .and.match(/a domain such as/);
  });

  it('are a list with at least one entry', () => {
    expect(faults({ TEXT_CO_SENDERS: ' , ' })).to.deep.equal([
      'TEXT_CO_SENDERS: is a list without an entry; leave it empty or remove it',
    ]);
  });

  it('have a variable whose misspelt name is reported', () => {
    expect(faults({ TEXT_CO_SENDER: '+12016661234' })).to.deep.equal([
      'TEXT_CO_SENDER: unknown variable. Did you mean TEXT_CO_SENDERS?',
    ]);
  });
});
