import { expect } from 'chai';
import { StartError } from '../../src/errors.ts';
import { kindOf } from '../../src/providers/registry.ts';
import { type SesSettings, SIMULATED_TOPIC } from '../../src/providers/ses/config.ts';
import { loadConfig } from '../../src/service/service.ts';
import { ACCESS_KEY_ID, SECRET_ACCESS_KEY, TOPIC } from '../support/ses.ts';

const SECOND = 'arn:aws-cn:sns:cn-north-1:123456789012:other-events';
const ses = {
  ...{ EMAIL_PROVIDERS: 'ses', SES_REGION: 'eu-west-1', SES_ACCESS_KEY_ID: ACCESS_KEY_ID },
  SES_SECRET_ACCESS_KEY: SECRET_ACCESS_KEY,
};

function faults(environment: Record<string, string>): string[] {
  try {
    loadConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof StartError) return [...error.reasons];
    throw error;
  }
}
const settingsOf = (environment: Record<string, string>) =>
  loadConfig(environment).accounts.find(({ channel }) => channel === 'email')?.settings as SesSettings;

describe('The settings of an SES account', () => {
  it('are the region, the credentials, and optionally a configuration set and topics', () => {
    expect(settingsOf(ses)).to.deep.equal({
      ...{ url: 'https://email.eu-west-1.amazonaws.com', region: 'eu-west-1', accessKeyId: ACCESS_KEY_ID },
      ...{ secretAccessKey: SECRET_ACCESS_KEY, sessionToken: null, configurationSet: null, topicArns: [] },
      simulatorOrigin: null,
    });
    const more = {
      ...{ SES_SESSION_TOKEN: 'a-session-token-of-a-role', SES_CONFIGURATION_SET: 'shop' },
      SES_TOPIC_ARNS: `${TOPIC}, ${SECOND}`,
    };
    expect(settingsOf({ ...ses, ...more })).to.include({
      ...{ sessionToken: 'a-session-token-of-a-role', configurationSet: 'shop' },
    });
    expect(settingsOf({ ...ses, ...more }).topicArns).to.deep.equal([TOPIC, SECOND]);
    expect(settingsOf({ ...ses, SES_REGION: 'cn-north-1' }).url).to.equal(
      'https://email.cn-north-1.amazonaws.com.cn',
    );
  });

  it('trust a simulator in place of SNS only if the URL is of this machine', () => {
    const originOf = (SES_URL: string) => settingsOf({ ...ses, SES_URL }).simulatorOrigin;
    expect(originOf('http://127.0.0.1:8081/ses')).to.equal('http://127.0.0.1:8081');
    for (const url of [
      'https://proxy.example',
      'http://10.0.0.1:8081/ses',
      'https://email.eu-west-1.amazonaws.com',
    ])
      expect(originOf(url)).to.equal(null);
  });

  it('stop the start with one line for each fault, without the secrets', () => {
    const secret = 'a secret with spaces';
    const lines = faults({
      ...{
        EMAIL_PROVIDERS: 'ses',
        SES_REGION: 'Europe',
        SES_ACCESS_KEY_ID: 'x',
        SES_SECRET_ACCESS_KEY: secret,
      },
      ...{
        SES_CONFIGURATION_SET: 'a b',
        SES_TOPIC_ARNS: `${TOPIC},arn:aws:sqs:a`,
        SES_SESSION_TOKEN: secret,
      },
    });
    expect(lines).to.have.lengthOf(6);
    expect(lines).to.include('SES_REGION: is not an AWS region such as eu-west-1');
    expect(lines.join()).to.not.include(secret);
    expect(faults({ EMAIL_PROVIDERS: 'ses' }).filter((line) => line.includes('is not set'))).to.have.lengthOf(
      3,
    );
  });

  it('come from the simulator with SIMULATE', () => {
    const { accounts } = loadConfig({ SIMULATE: 'ses' });
    const account = accounts.find(({ channel }) => channel === 'email');
    expect(account).to.include({ name: 'ses', kind: 'ses', simulated: true });
    const { url, simulatorOrigin, topicArns } = (account as { settings: unknown }).settings as SesSettings;
    expect(url).to.equal(`${simulatorOrigin}/ses`);
    expect(topicArns).to.deep.equal([SIMULATED_TOPIC]);
  });

  it('are shown without the credentials', () => {
    const shown = (environment: Record<string, string>) => {
      const account = loadConfig(environment).accounts.find(({ kind }) => kind === 'ses');
      return account && kindOf(account).describe(account.settings);
    };
    expect(shown({ ...ses, SES_CONFIGURATION_SET: 'shop', SES_TOPIC_ARNS: TOPIC })).to.deep.equal({
      ...{ URL: 'https://email.eu-west-1.amazonaws.com', Region: 'eu-west-1', 'Configuration set': 'shop' },
      Topics: TOPIC,
    });
    expect(shown(ses)).to.include({ Topics: 'none: webhooks are refused' });
  });
});
