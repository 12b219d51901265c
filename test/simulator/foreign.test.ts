import { expect } from 'chai';
import { exchange } from '../support/raw.ts';
import { type Play, type Receiver, secret, startPlay, startReceiver } from './support.ts';

describe('The simulator on loopback', () => {
  let receiver: Receiver;
  let play: Play;
  before(async () => {
    receiver = await startReceiver(() => 200);
    play = await startPlay({ webhookSecret: secret, settings: { service_url: receiver.url } });
  });
  after(async () => {
    await play.stop();
    await receiver.stop();
  });

  const foreign: Record<string, string>[] = [
    { host: 'evil.example' },
    { host: 'evil.example:8081', origin: 'http://evil.example:8081' },
    { host: 'localhost:8081', origin: 'http://evil.example' },
    { host: 'localhost:8081', origin: 'null' },
    { host: 'localhost.evil.example' },
  ];
  for (const headers of foreign)
    it(`refuses every request with ${JSON.stringify(headers)}`, async () => {
      for (const [method, path, body] of [
        ['POST', '/_control/inbound', '{"channel": "sms"}'],
        ['POST', '/_control/reset', ''],
        ['PUT', '/_control/settings', '{"service_url": "http://127.0.0.1:9"}'],
        ['GET', '/_control/messages', ''],
        ['POST', '/sms/messages', '{}'],
        ['POST', `/twilio/2010-04-01/Accounts/AC${'0'.repeat(32)}/Messages.json`, ''],
        ['POST', '/vonage/v1/messages', '{}'],
      ] as const) {
        const json = { 'content-type': 'application/json', ...headers };
        expect((await exchange(play.url, method, path, json, body)).status, path).to.equal(403);
      }
      expect(receiver.received).to.have.length(0);
      expect((await play.call('GET', '/_control/settings')).body.service_url).to.equal(receiver.url);
    });

  it('accepts requests of its own origin and of programs on this machine', async () => {
    const own: Record<string, string>[] = [
      { host: 'localhost:8081' },
      { host: '[::1]:8081' },
      { host: 'localhost:8081', origin: 'http://localhost:8081' },
    ];
    for (const headers of own)
      expect((await exchange(play.url, 'GET', '/_control/messages', headers)).status).to.equal(200);
  });
});
