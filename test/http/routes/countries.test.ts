import { expect } from 'chai';
import { email, mms, sms } from '../../support/bodies.ts';
import { repliesTo } from '../../support/consent.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { deliver, inboundBody } from '../../support/webhooks.ts';

const US = '+18045551234';
const CANADA = '+16045551234';
const JAMAICA = '+18765551234';
const BAHAMAS = '+12423591234';
const GUERNSEY = '+447781123456';
/** Reserved for fiction: in no range of libphonenumber. */
const UNKNOWN = '+447700900123';
const SATELLITE = '+870773111632';

describe('ALLOWED_COUNTRIES', () => {
  let open: Harness;
  let api: Harness;
  before(async () => {
    open = await startHarness({ ROLE: 'api' });
    api = await startHarness({ ROLE: 'api', ALLOWED_COUNTRIES: 'US,CA', DATABASE_URL: open.databaseUrl });
  });
  after(async () => {
    await api.stop();
    await open.stop();
  });

  const send = (body: object, path = 'send', to = api, key?: string) =>
    to.request('POST', `/api/messages/${path}`, body, key ? { 'idempotency-key': key } : {});
  const refusedOn = async (body: object, path?: string) => {
    const stored = async () => (await query(open.databaseUrl, 'select from participants')).length;
    const before = await stored();
    const answer = await send(body, path);
    expect(answer.status).to.equal(422);
    expect(answer.body.code).to.equal('country_not_allowed');
    expect(await stored(), 'no participant is stored').to.equal(before);
    return answer.body;
  };

  it('lets texts to these countries pass, and tells the countries of +1 apart', async () => {
    for (const to of [US, CANADA, '+18005551234', '(804) 555-1234'])
      expect((await send({ ...sms, to })).status, to).to.equal(202);
    for (const [to, country] of [
      [JAMAICA, 'JM'],
      [BAHAMAS, 'BS'],
      ['+17875551234', 'PR'],
      [GUERNSEY, 'GG'],
    ]) {
      const { detail, errors } = await refusedOn({ ...sms, to });
      expect(detail).to.equal('1 recipient is outside the countries of ALLOWED_COUNTRIES.');
      expect(errors).to.deep.equal([
        {
          path: '/body/to',
          message: `${to} is a number of the country ${country}, which ALLOWED_COUNTRIES does not have`,
        },
      ]);
    }
  });

  it('refuses texts on each path', async () => {
    const untyped = { from: sms.from, to: JAMAICA, body: sms.body };
    await refusedOn(untyped);
    await refusedOn({ ...mms, to: JAMAICA });
    await refusedOn({ ...sms, to: JAMAICA }, 'sms');
    await refusedOn({ ...mms, to: [JAMAICA] }, 'sms');
  });

  it('names each recipient of a group that is outside, by its place in the request', async () => {
    const { detail, errors } = await refusedOn({ ...mms, to: [US, US, JAMAICA, CANADA, BAHAMAS] });
    expect(detail).to.equal('2 recipients are outside the countries of ALLOWED_COUNTRIES.');
    expect(errors.map(({ path }: { path: string }) => path)).to.deep.equal(['/body/to/2', '/body/to/4']);
  });

  it('refuses recipients without a known country: unknown ranges, satellite phones and short codes', async () => {
    expect((await refusedOn({ ...sms, to: UNKNOWN })).errors[0].message).to.contain('is unknown');
    expect((await refusedOn({ ...sms, to: SATELLITE })).errors[0].message).to.contain('(001)');
    expect((await refusedOn({ ...sms, to: '72000' })).errors[0].message).to.contain('short code');
  });

  it('does not check senders and emails', async () => {
    expect((await send(email)).status).to.equal(202);
    expect((await send({ ...sms, from: '72000' })).status).to.equal(202);
    expect((await send({ ...sms, from: JAMAICA })).status).to.equal(202);
  });

  it('returns the first message to a repeat of a request that was accepted before the guard', async () => {
    const body = { ...sms, to: JAMAICA };
    const first = await send(body, 'sms', open, 'before-the-guard');
    expect(first.status).to.equal(202);
    const repeat = await send(body, 'sms', api, 'before-the-guard');
    expect(repeat.status).to.equal(202);
    expect(repeat.headers.get('idempotent-replayed')).to.equal('true');
    expect(repeat.body).to.deep.equal(first.body);
    expect((await send(body, 'sms', api, 'another-key')).body.code).to.equal('country_not_allowed');
  });

  it('with 001 lets numbers without a country pass, and no others', async () => {
    const satellites = await startHarness({
      ...{ ROLE: 'api', ALLOWED_COUNTRIES: '001', DATABASE_URL: open.databaseUrl },
    });
    expect((await send({ ...sms, to: SATELLITE }, 'sms', satellites)).status).to.equal(202);
    expect((await send({ ...sms, to: US }, 'sms', satellites)).body.code).to.equal('country_not_allowed');
    await satellites.stop();
  });

  it('does not refuse the automatic reply to a STOP from another country', async () => {
    const body = inboundBody('stop-from-jamaica', {
      from: JAMAICA,
      to: sms.from,
      body: 'STOP',
      timestamp: undefined,
    });
    expect((await deliver(api, body)).status).to.equal(200);
    expect(await repliesTo(api, JAMAICA)).to.have.length(1);
  });

  it('is off by default', async () => {
    for (const to of [BAHAMAS, UNKNOWN, SATELLITE, '72000'])
      expect((await send({ ...sms, to }, 'sms', open)).status, to).to.equal(202);
  });
});
