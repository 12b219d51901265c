import { expect } from 'chai';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { type ProviderServer, startProviderServer } from '../support/provider-server.ts';
import { inboundForm, sendCallback, sidOf, statusForm, twilioEnvironment } from '../support/twilio.ts';
import { until } from '../support/until.ts';

describe('An opt-out that Twilio reports', () => {
  let provider: ProviderServer;
  let service: Harness;
  before(async () => {
    provider = await startProviderServer((request, response) => {
      request.resume();
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ code: 21_610, message: 'Unsubscribed recipient', status: 400 }));
    });
    service = await startHarness(twilioEnvironment(provider.url));
  });
  after(async () => {
    await service.stop();
    await provider.stop();
  });

  const recorded = (address: string) =>
    query(
      service.databaseUrl,
      `select account, sender, action, keyword, source, provider_message_id, message_id from opt_outs
       where address = $1 order by id`,
      [address],
    );

  it('is recorded once from each kind of message, which is stored as usual', async () => {
    const address = '+18045550301';
    for (const [n, type] of ['STOP', 'START', 'HELP'].entries()) {
      const form = inboundForm({
        MessageSid: sidOf(300 + n),
        From: address,
        Body: ` ${type} `,
        OptOutType: type,
      });
      for (let repeat = 0; repeat < 3; repeat++)
        expect((await sendCallback(service.url, { form })).status).to.equal(200);
      const found = await query(service.databaseUrl, 'select from messages where provider_message_id = $1', [
        sidOf(300 + n),
      ]);
      expect(found, type).to.have.length(1);
    }
    const common = { account: 'twilio', sender: '+12016661234', source: 'webhook', message_id: null };
    expect(await recorded(address)).to.deep.equal([
      { ...common, action: 'stop', keyword: 'STOP', provider_message_id: sidOf(300) },
      { ...common, action: 'start', keyword: 'START', provider_message_id: sidOf(301) },
      { ...common, action: 'help', keyword: 'HELP', provider_message_id: sidOf(302) },
    ]);
  });

  it('is a keyword of the service in a message without a known type', async () => {
    const address = '+18045550302';
    const cases: Record<string, string>[] = [{}, { OptOutType: '' }, { OptOutType: 'LATER' }];
    for (const [n, fields] of cases.entries())
      await sendCallback(service.url, {
        form: inboundForm({ MessageSid: sidOf(310 + n), From: address, Body: 'STOP', ...fields }),
      });
    expect((await recorded(address)).map(({ action, source }) => [action, source])).to.deep.equal(
      cases.map(() => ['stop', 'message']),
    );
  });

  it('is recorded from a refused send, whose message fails', async () => {
    const address = '+18045550303';
    const { id } = await service.client.messages.send({ from: '+12016661234', to: address, body: 'Hello' });
    const { error } = await service.untilStatus(id, 'failed');
    expect(error).to.include({ code: '21610', class: 'opted_out' });
    expect(await recorded(address)).to.deep.equal([
      {
        ...{ account: 'twilio', sender: '+12016661234', action: 'stop', keyword: null, source: 'send' },
        ...{ provider_message_id: null, message_id: id },
      },
    ]);
  });

  it('is recorded again if the recipient opts in and a retry is refused', async () => {
    const address = '+18045550305';
    const { id } = await service.client.messages.send({ from: '+12016661234', to: address, body: 'Hello' });
    await service.untilStatus(id, 'failed');
    const form = inboundForm({ MessageSid: sidOf(330), From: address, Body: 'START', OptOutType: 'START' });
    expect((await sendCallback(service.url, { form })).status).to.equal(200);
    expect((await service.request('POST', `/api/messages/${id}/retry`)).status).to.equal(202);
    await until(async () => (await recorded(address)).length === 3, 'the second refusal is recorded');
    const rows = (await recorded(address)) as { action: string; source: string; message_id: number }[];
    expect(rows.map(({ action, source, message_id }) => [action, source, message_id])).to.deep.equal([
      ['stop', 'send', id],
      ['start', 'webhook', null],
      ['stop', 'send', id],
    ]);
  });

  it('is recorded from a status callback with the code 21610', async () => {
    const address = '+18045550304';
    const form = statusForm(sidOf(320), 'failed', { To: address, From: '+12016661234', ErrorCode: '21610' });
    expect((await sendCallback(service.url, { form })).status).to.equal(200);
    expect((await recorded(address))[0]).to.include({ action: 'stop', provider_message_id: sidOf(320) });
  });
});
