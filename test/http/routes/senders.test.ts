import { expect } from 'chai';
import type { Problem } from '../../../sdk/src/index.ts';
import { email, mms, sms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { twilioEnvironment } from '../../support/twilio.ts';

const TWILIO_NUMBER = '+12016660001';
const TEXT_NUMBER = '+12016660002';
const SHARED_NUMBER = '+12016660003';
const GROUP = ['+18045550001', '+18045550002', '+18045550003'];

describe('A message that only some accounts can send', () => {
  let api: Harness;
  const environment = {
    ...twilioEnvironment('http://127.0.0.1:9'),
    SMS_PROVIDERS: 'twilio,text-co',
    TWILIO_SENDERS: `${TWILIO_NUMBER},${SHARED_NUMBER}`,
    TEXT_CO_SENDERS: `${TEXT_NUMBER},${SHARED_NUMBER},ACME`,
    MAIL_CO_SENDERS: 'usehatchapp.com',
    ROLE: 'api',
  };
  before(async () => {
    api = await startHarness(environment);
  });
  after(() => api.stop());

  const send = (body: object, key?: string, to = api) =>
    to.request('POST', '/api/messages/send', body, key ? { 'idempotency-key': key } : {});
  const accountsOf = async (id: number) =>
    (
      await query(api.databaseUrl, 'select provider, accounts from deliveries where message_id = $1', [id])
    )[0];
  const problemOf = async (body: object): Promise<Pick<Problem, 'code' | 'detail' | 'errors'>> => {
    const stored = () => query(api.databaseUrl, 'select from messages');
    const before = (await stored()).length;
    const answer = await send(body);
    expect(answer.status).to.equal(422);
    expect((await stored()).length, 'nothing is stored').to.equal(before);
    return answer.body;
  };

  it('is refused with no_provider_for_sender if no account of its channel has the sender', async () => {
    for (const body of [
      { ...sms, from: '+12016669999' },
      { ...mms, from: '72000' },
      { ...email, from: 'shop@mail.usehatchapp.com' },
    ]) {
      const { code, detail, errors } = await problemOf(body);
      expect(code).to.equal('no_provider_for_sender');
      expect(detail).to.contain(body.from);
      expect(errors).to.have.length(1);
      expect(errors?.[0]?.path).to.equal('/body/from');
      expect(errors?.[0]?.message).to.match(/sender of any (sms|email) account.*_SENDERS/);
    }
  });

  it('is refused with missing_capability if it is a group and only Twilio has the sender', async () => {
    const { code, detail, errors } = await problemOf({ ...mms, from: TWILIO_NUMBER, to: GROUP });
    expect(code).to.equal('missing_capability');
    expect(detail).to.equal(
      `No sms account with the sender ${TWILIO_NUMBER} can send this message: twilio (kind twilio) sends no group messages.`,
    );
    expect(errors).to.deep.equal([
      {
        path: '/body/to',
        message:
          'has 3 recipients, but twilio (kind twilio) sends no group messages; send one message to each recipient, or add an account of a kind with group messages',
      },
    ]);
  });

  it('is assigned to the accounts that have its sender, in any spelling', async () => {
    const assigned = async (body: object) => {
      const answer = await send(body);
      expect(answer.status).to.equal(202);
      expect(answer.body.provider).to.equal(null);
      return accountsOf(answer.body.id);
    };
    expect(await assigned({ ...sms, from: '(201) 666-0001' })).to.deep.equal({
      ...{ provider: 'twilio', accounts: ['twilio'] },
    });
    expect(await assigned({ ...sms, from: 'Acme' })).to.deep.equal({
      ...{ provider: 'text-co', accounts: ['text-co'] },
    });
    expect(await assigned({ ...mms, from: SHARED_NUMBER, to: GROUP })).to.deep.equal({
      ...{ provider: 'text-co', accounts: ['text-co'] },
    });
    for (const body of [{ ...sms, from: SHARED_NUMBER }, email])
      expect(await assigned(body)).to.deep.equal({ provider: null, accounts: null });
  });

  it('is returned to a repeated request although no account has its sender any more', async () => {
    const body = { ...sms, from: TEXT_NUMBER };
    const first = await send(body, 'repeated');
    const later = await startHarness({
      ...{ ...environment, TEXT_CO_SENDERS: SHARED_NUMBER, DATABASE_URL: api.databaseUrl },
    });
    const repeat = await send(body, 'repeated', later);
    expect(repeat.status).to.equal(202);
    expect(repeat.headers.get('idempotent-replayed')).to.equal('true');
    expect(repeat.body).to.deep.equal(first.body);
    expect((await send({ ...body, body: 'Another text' }, 'repeated', later)).body.code).to.equal(
      'idempotency_key_reused',
    );
    expect((await send(body, 'another key', later)).body.code).to.equal('no_provider_for_sender');
    await later.stop();
  });

  it('does not use up the key of a refused request', async () => {
    const wrong = { ...sms, from: '+12016669999' };
    expect((await send(wrong, 'refused')).status).to.equal(422);
    expect((await send({ ...sms, from: TEXT_NUMBER }, 'refused')).status).to.equal(202);
  });
});
