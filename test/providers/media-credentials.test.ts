import { expect } from 'chai';
import type { Provider } from '../../src/providers/provider.ts';
import { createRegistry } from '../../src/providers/registry.ts';
import { loadConfig } from '../../src/service/service.ts';
import { telnyxEnvironment } from '../support/telnyx.ts';
import { ACCOUNT_SID, AUTH_TOKEN, twilioEnvironment } from '../support/twilio.ts';
import { vonageEnvironment } from '../support/vonage.ts';

const PLAIN = 'http://127.0.0.1:9000';
const SID = 'a'.repeat(32);
const TWILIO_PATH = `/2010-04-01/Accounts/${ACCOUNT_SID}/Messages/MM${SID}/Media/ME${SID}`;
const VONAGE_PATH = '/v3/media/1b456509-974c-458b-aafa-45fc48a4d976';
const BASIC = `Basic ${Buffer.from(`${ACCOUNT_SID}:${AUTH_TOKEN}`).toString('base64')}`;

/** URLs that look like `https://host/path`, of other origins or with other credentials. */
const lookAlikes = (host: string, path: string) => [
  `https://${host}.evil.test${path}`,
  `https://${host}@evil.test${path}`,
  `https://${host}:443@evil.test${path}`,
  `https://evil.test/${host}${path}`,
  `https://evil.test/?${host}${path}`,
  `https://evil.test/#${host}${path}`,
  `https://evil.test\\@${host}${path}`,
  `https://evil-${host}${path}`,
  `https://evil.${host}${path}`,
  `https://${host.replace('.', '-')}${path}`,
  `https://${host.replace('.', '.evil.')}${path}`,
  `https://${host.slice(0, -1)}${path}`,
  `https://${host}.${path}`,
  `https://${host}:8443${path}`,
  `https://${host}:80${path}`,
  `http://${host}${path}`,
  `http://${host}:443${path}`,
  `ftp://${host}${path}`,
  `https://user:secret@${host}${path}`,
  // A Cyrillic letter, which becomes Punycode.
  `https://${host.replace('a', '\u0430')}${path}`,
];
/** Other URLs of the same host. */
const otherPaths = (host: string, path: string) =>
  [`${path}/../../secrets`, `/${path}`, `/other${path}`, `${path}/more`].map(
    (each) => `https://${host}${each}`,
  );

describe('The credentials for the media of inbound messages', () => {
  const account = (environment: Record<string, string>) =>
    createRegistry(loadConfig(environment).accounts, 1_000).sms[0] as Provider;
  const headersFor = (provider: Provider, url: string) => provider.mediaHeaders(new URL(url));
  const without = (environment: Record<string, string>, name: string) =>
    Object.fromEntries(Object.entries(environment).filter(([each]) => each !== name));

  describe('of Twilio', () => {
    const live = account(without(twilioEnvironment(PLAIN), 'TWILIO_URL'));

    it('go to the hosts that Twilio documents', () => {
      const hosts = [
        ...['api.twilio.com', 'api.us1.twilio.com', 'api.dublin.ie1.twilio.com', 'api.sydney.au1.twilio.com'],
        // The same host.
        ...['API.Twilio.COM', 'api.twilio.com:443', 'api\u3002twilio.com'],
      ];
      for (const host of hosts)
        expect(headersFor(live, `https://${host}${TWILIO_PATH}`), host).to.deep.equal({
          authorization: BASIC,
        });
    });

    it('go to no other host and no other path', () => {
      const urls = [
        ...lookAlikes('api.twilio.com', TWILIO_PATH),
        ...otherPaths('api.twilio.com', TWILIO_PATH),
        `https://mms.twiliocdn.com${TWILIO_PATH}`,
        `https://twilio.com${TWILIO_PATH}`,
        `https://api.evil.twilio.com${TWILIO_PATH}`,
        `https://api.dublin.ie1.evil.twilio.com${TWILIO_PATH}`,
        `https://api.twilio.com/2010-04-01/Accounts/${ACCOUNT_SID}.json`,
        `https://api.twilio.com${TWILIO_PATH.replace(ACCOUNT_SID, `AC${SID}`)}`,
      ];
      for (const url of urls) expect(headersFor(live, url), url).to.equal(null);
    });

    it('go to the configured URL, and to no other origin', () => {
      const provider = account({ ...twilioEnvironment(PLAIN), TWILIO_URL: `${PLAIN}/twilio/` });
      expect(headersFor(provider, `${PLAIN}/twilio${TWILIO_PATH}`)).to.deep.equal({ authorization: BASIC });
      const urls = [
        ...[`${PLAIN}${TWILIO_PATH}`, `http://127.0.0.1:9001/twilio${TWILIO_PATH}`],
        ...[`https://127.0.0.1:9000/twilio${TWILIO_PATH}`, `http://localhost:9000/twilio${TWILIO_PATH}`],
        `${PLAIN}/twilio-other${TWILIO_PATH}`,
      ];
      for (const url of urls) expect(headersFor(provider, url), url).to.equal(null);
    });

    it('are those of the API key, if the account has one', () => {
      const sid = `SK${SID}`;
      const key = { TWILIO_API_KEY_SID: sid, TWILIO_API_KEY_SECRET: 'the-secret-of-the-key' };
      const { authorization } = headersFor(
        account({ ...twilioEnvironment(PLAIN), ...key }),
        `https://api.twilio.com${TWILIO_PATH}`,
      ) as Record<string, string>;
      expect(Buffer.from(authorization?.slice(6) ?? '', 'base64').toString()).to.equal(
        `${sid}:the-secret-of-the-key`,
      );
    });
  });

  describe('of Vonage', () => {
    const live = account(without(vonageEnvironment(PLAIN), 'VONAGE_URL'));

    it('go to the hosts that Vonage documents, as a new token', () => {
      for (const host of ['api.nexmo.com', 'api-us.nexmo.com', 'api-eu.nexmo.com', 'api-us-1.nexmo.com'])
        expect(headersFor(live, `https://${host}${VONAGE_PATH}`)?.authorization, host).to.match(
          /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/,
        );
      const [first, second] = [1, 2].map(() => headersFor(live, `https://api.nexmo.com${VONAGE_PATH}`));
      expect(first).not.to.deep.equal(second);
    });

    it('go to no other host and no other path', () => {
      const urls = [
        ...lookAlikes('api-us.nexmo.com', VONAGE_PATH),
        ...otherPaths('api-us.nexmo.com', VONAGE_PATH),
        ...['https://api.nexmo.com/v2/applications', 'https://messages.nexmo.com/v3/media/1'],
      ];
      for (const url of urls) expect(headersFor(live, url), url).to.equal(null);
    });

    it('go to the configured URL', () => {
      const provider = account(vonageEnvironment(`${PLAIN}/vonage`));
      expect(headersFor(provider, `${PLAIN}/vonage${VONAGE_PATH}`)).to.have.keys('authorization');
      expect(headersFor(provider, `${PLAIN}${VONAGE_PATH}`)).to.equal(null);
    });
  });

  it('do not exist for Telnyx, whose URLs are signed', () => {
    const provider = account(telnyxEnvironment('https://api.telnyx.com'));
    for (const url of ['https://media.telnyx.com/a.png', 'https://api.telnyx.com/v2/media/a/download'])
      expect(headersFor(provider, url), url).to.equal(null);
  });

  it('of the standard API go to the origin of the account', () => {
    const provider = account({
      ...{ SMS_PROVIDERS: 'text-co', TEXT_CO_URL: 'https://gateway.example/api', TEXT_CO_KEY: 'the-key' },
    });
    for (const url of ['https://gateway.example/files/1.png', 'https://gateway.example:443/api/files/1.png'])
      expect(headersFor(provider, url), url).to.deep.equal({ authorization: 'Bearer the-key' });
    for (const url of lookAlikes('gateway.example', '/files/1.png'))
      expect(headersFor(provider, url), url).to.equal(null);
  });
});
