import { expect } from 'chai';
import { type Form, FROM, startReceiver, startTwilio, TO, type Twilio } from './support.ts';

const SERVICE = `MG${'b'.repeat(32)}`;

describe('The simulated Twilio API refuses', () => {
  let twilio: Twilio;
  beforeEach(async () => {
    twilio = await startTwilio();
  });
  afterEach(() => twilio.stop());

  const cases: [title: string, form: Form, code: number, status?: number][] = [
    ['a recipient that is not a phone number', { To: 'nobody' }, 21211],
    ['an empty recipient', { To: '' }, 21211],
    ['a sender that is not a sender', { From: 'a sender with too many characters' }, 21212],
    ['a message without a sender', { From: '' }, 21603],
    ['a message to its sender', { To: FROM }, 21266],
    ['a message without a body and media', { Body: '' }, 21619],
    ['a body of 1601 characters', { Body: 'x'.repeat(1_601) }, 21617],
    ['eleven media', { MediaUrl: Array(11).fill('https://a.example/b.png') }, 21623],
    ['a media URL that is not a web URL', { MediaUrl: 'ftp://a.example/b.png' }, 21620],
    ['a callback URL that is not a web URL', { StatusCallback: 'mailto:a@b.example' }, 21609],
    ['a callback URL with an underscore in its host', { StatusCallback: 'https://a_b.example/' }, 21609],
    ['a malformed SID of a Messaging Service', { MessagingServiceSid: 'MG1' }, 21705],
    ['a validity period above 36000 seconds', { ValidityPeriod: '36001' }, 20001],
    ['a scheduled message', { SendAt: '2030-01-01T00:00:00Z', ScheduleType: 'fixed' }, 20001],
    ['the test sender that is invalid', { From: '+15005550001' }, 21212],
    ['the test sender that the account does not have', { From: '+15005550007' }, 21606],
    ['the test sender with a full queue', { From: '+15005550008' }, 21611],
    ['the test recipient that is invalid', { To: '+15005550001' }, 21211],
    ['the test recipient without a route', { To: '+15005550002' }, 21612],
    ['the test recipient in a region without permission', { To: '+15005550003' }, 21408],
    ['the test recipient who opted out', { To: '+15005550004' }, 21610],
    ['the test recipient that cannot receive SMS', { To: '+15005550009' }, 21614],
    ['a recipient that ends with 0000009', { To: '+18040000009' }, 21211],
    ['a recipient with the code 21408', { To: '+18040021408' }, 21408],
    ['a recipient with the code 20003', { To: '+18040020003' }, 20003, 401],
    ['a recipient with the code 20429', { To: '+18040020429' }, 20429, 429],
    ['a recipient with the code 20500', { To: '+18040020500' }, 20500, 500],
    ['a recipient with the code 20503', { To: '+18040020503' }, 20503, 503],
  ];
  for (const [title, form, code, status = 400] of cases)
    it(`${title} with ${status} and ${code}`, async () => {
      const answer = await twilio.create(form);
      const { message, ...error } = answer.body;
      expect(message).to.be.a('string');
      expect(error).to.deep.equal({
        ...{ code, status },
        more_info: `https://www.twilio.com/docs/errors/${code}`,
      });
      expect(answer.status).to.equal(status);
      expect(await twilio.accepted()).to.deep.equal([]);
    });

  it('a message without a recipient with 21604', async () => {
    const path = '/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages.json';
    const answer = await twilio.twilio('POST', path, { From: FROM, Body: 'Hi' });
    expect([answer.status, answer.body.code]).to.deep.equal([400, 21604]);
  });

  it('a sender that is not in the list of senders with 21606', async () => {
    await twilio.set({ twilio: { senders: ['12345', 'Shop'] } });
    expect((await twilio.create()).body.code).to.equal(21606);
    for (const From of ['12345', 'Shop']) expect((await twilio.create({ From })).status).to.equal(201);
  });

  it('no sender id that is the name of a member of every object in JavaScript', async () => {
    expect((await twilio.create({ From: 'constructor' })).status).to.equal(201);
  });

  it('a body that is not a form', async () => {
    const path = '/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages.json';
    const headers = { 'content-type': 'application/json' };
    const { status, body } = await twilio.twilio('POST', path, { To: TO }, headers);
    expect(status).to.equal(415);
    expect(body).to.include({ status: 415 });
  });

  it('a message to a recipient who sent STOP, until START', async () => {
    const receiver = await startReceiver();
    await twilio.set({ service_url: receiver.url });
    const reply = (Body: string) => twilio.inbound({ From: TO, To: FROM, Body });
    await reply('Please stop');
    expect((await twilio.create()).status).to.equal(201);
    await reply(' Stop ');
    expect((await twilio.create()).body.code).to.equal(21610);
    expect((await twilio.create({ From: '+12016660000' })).status).to.equal(201);
    expect((await twilio.create({ To: '+18045550000' })).status).to.equal(201);
    await reply('START');
    expect((await twilio.create()).status).to.equal(201);
    await reply('stop');
    await twilio.call('POST', '/_control/reset');
    expect((await twilio.create()).status).to.equal(201);
    await receiver.stop();
  });

  it('no message of a Messaging Service to a recipient who opted out: a callback reports 21610', async () => {
    const receiver = await startReceiver();
    const form = { To: '+15005550004', MessagingServiceSid: SERVICE, StatusCallback: receiver.url };
    expect((await twilio.create(form)).status).to.equal(201);
    const [queued, failed] = await receiver.untilReceived(2);
    expect(queued?.form.get('MessageStatus')).to.equal('queued');
    expect(failed?.form.get('MessageStatus')).to.equal('failed');
    expect(failed?.form.get('ErrorCode')).to.equal('21610');
    await receiver.stop();
  });
});
