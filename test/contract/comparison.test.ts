import { readdir } from 'node:fs/promises';
import { expect } from 'chai';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { findings } from './agreement.ts';
import { readContract } from './contract-file.ts';
import { verify } from './verify.ts';

interface Recorded {
  description: string;
  request: { path: string; body: { content: Record<string, unknown> } };
  response: { status: number; body: { content: Record<string, unknown> } };
}

describe('The contracts', () => {
  it('are the only files in contracts/ besides its README', async () => {
    expect((await readdir('contracts')).toSorted()).to.deep.equal([
      'README.md',
      'email-provider-messaging-service.json',
      'event-receiver-messaging-service.json',
      'messaging-service-email-provider.json',
      'messaging-service-postmark.json',
      'messaging-service-resend.json',
      'messaging-service-sdk-messaging-service.json',
      'messaging-service-sendgrid.json',
      'messaging-service-ses.json',
      'messaging-service-sms-provider.json',
      'messaging-service-telnyx.json',
      'messaging-service-twilio.json',
      'messaging-service-vonage.json',
      'postmark-messaging-service.json',
      'resend-messaging-service.json',
      'sendgrid-messaging-service.json',
      'sms-provider-messaging-service.json',
      'telnyx-messaging-service.json',
      'twilio-messaging-service.json',
      'vonage-messaging-service.json',
    ]);
  });

  it('are compared with openapi.yaml: an unknown route, field or status is found', async () => {
    const contract = JSON.parse(await readContract('messaging-service-sdk', 'messaging-service'));
    const of = (text: string): Recorded =>
      contract.interactions.find(({ description }: Recorded) => description === text);
    of('a request for a message').request.path = '/api/faxes/1';
    of('a request to send an SMS').request.body.content.urgent = true;
    of('a request to send an MMS').response.body.content.price = 1;
    of('a request to send an email').response.status = 201;
    // A message of the wrong form has a finding for each schema of the union.
    const found = (await findings(JSON.stringify(contract))).map((finding) => finding.split(',')[0]);
    expect([...new Set(found)]).to.have.members([
      'a request for a message: request.path-or-method.unknown',
      'a request to send an SMS: request.body.incompatible',
      'a request to send an MMS: response.body.incompatible',
      'a request to send an email: response.status.unknown',
    ]);
  });

  describe('fail verification', () => {
    let simulator: Simulator;
    before(async () => {
      simulator = await startSimulator();
    });
    after(() => simulator.stop());

    const result = (states: Parameters<typeof verify>[0]['states']) =>
      verify({ consumer: 'messaging-service', provider: 'sms-provider', url: simulator.url, states }).then(
        () => 'passed',
        (error: Error) => error.message,
      );

    it('when a state of an interaction has no set-up', async () => {
      expect(await result({})).to.match(/No set-up for: .*a message was accepted/);
    });

    it('when the set-up of a state fails', async () => {
      const broken = {
        setUp: () => Promise.reject(new Error('set-up failed')),
        cleanUp: async () => undefined,
      };
      const names = ['a message was accepted', 'a recipient is refused', 'there is no look-up'];
      const faulty = ['the provider throttles requests', 'the provider is unavailable'];
      const states = Object.fromEntries([...names, ...faulty].map((name) => [name, broken]));
      expect(await result(states)).to.include('A state could not be reached: Error: set-up failed');
    });
  });
});
