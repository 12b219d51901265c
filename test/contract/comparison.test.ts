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
  it('are all there is in contracts/, but for its README', async () => {
    expect((await readdir('contracts')).toSorted()).to.deep.equal([
      'README.md',
      'email-provider-messaging-service.json',
      'messaging-service-email-provider.json',
      'messaging-service-sdk-messaging-service.json',
      'messaging-service-sms-provider.json',
      'sms-provider-messaging-service.json',
    ]);
  });

  it('are found to differ from openapi.yaml by a route, a field or a status that it does not have', async () => {
    const contract = JSON.parse(await readContract('messaging-service-sdk', 'messaging-service'));
    const of = (text: string): Recorded =>
      contract.interactions.find(({ description }: Recorded) => description === text);
    of('a request for a message').request.path = '/api/faxes/1';
    of('a request to send an SMS').request.body.content.urgent = true;
    of('a request to send an MMS').response.body.content.price = 1;
    of('a request to send an email').response.status = 201;
    const found = (await findings(JSON.stringify(contract))).map((finding) => finding.split(',')[0]);
    expect(found).to.have.members([
      'a request for a message: request.path-or-method.unknown',
      'a request to send an SMS: request.body.incompatible',
      'a request to send an MMS: response.body.incompatible',
      'a request to send an email: response.status.unknown',
    ]);
  });

  describe('are not kept', () => {
    let simulator: Simulator;
    before(async () => {
      simulator = await startSimulator();
    });
    after(() => simulator.stop());

    const kept = (states: Parameters<typeof verify>[0]['states']) =>
      verify({ consumer: 'messaging-service', provider: 'sms-provider', url: simulator.url, states }).then(
        () => 'kept',
        (error: Error) => error.message,
      );

    it('where nobody knows how to make what an interaction presumes', async () => {
      expect(await kept({})).to.include('No set-up for: a message was taken');
    });

    it('where that cannot be made', async () => {
      const broken = {
        setUp: () => Promise.reject(new Error('no such luck')),
        cleanUp: async () => undefined,
      };
      const names = ['a message was taken', 'a recipient is refused', 'there is no look-up'];
      const faulty = ['the provider asks for less', 'the provider is out of order'];
      const states = Object.fromEntries([...names, ...faulty].map((name) => [name, broken]));
      expect(await kept(states)).to.include('A state could not be reached: Error: no such luck');
    });
  });
});
