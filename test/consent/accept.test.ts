import { expect } from 'chai';
import { email, mms, sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { restore, suppress } from '../support/suppressions.ts';

type Recipient = { address: string; status: string; error: { code: string; class: string } | null };

describe('A message to a suppressed recipient', () => {
  let service: Harness;
  let numbers = 0;
  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());

  const number = () => `+1804555${++numbers + 2000}`;
  const address = () => `user-${++numbers}@example.com`;
  const send = (path: string, body: object, key?: string) =>
    service.request('POST', `/api/messages/${path}`, body, key ? { 'idempotency-key': key } : {});
  const stop = (...[to, entry]: [string, Parameters<typeof suppress>[2]?]) =>
    suppress(service.databaseUrl, to, entry);
  const paths = ({ body }: { body: { errors: { path: string }[] } }) => body.errors.map(({ path }) => path);
  const states = (recipients: Recipient[]) =>
    recipients.map(({ address: to, status, error }) => [to, status, error?.code]);

  it('is refused with the entry, and nothing is stored', async () => {
    const to = number();
    await stop(to);
    const { status, body } = await send('sms', { ...sms, to });
    expect([status, body.code]).to.deep.equal([422, 'recipient_suppressed']);
    expect(body.errors).to.deep.equal([
      { path: '/body/to', message: 'is suppressed: stop_keyword, scope channel' },
    ]);
    expect(body.suppressions).to.have.length(1);
    expect(body.suppressions[0]).to.include({ address: to, scope: 'channel', reason: 'stop_keyword' });
    const stored = await query(service.databaseUrl, 'select from messages where $1 = any("to")', [to]);
    expect(stored).to.deep.equal([]);
  });

  it('is refused on each path, and for an MMS and an email', async () => {
    const [to, mailbox] = [number(), address()];
    await stop(to);
    await stop(mailbox, { reason: 'complaint' });
    for (const [path, body] of [
      ['sms', { ...mms, to }],
      ['send', { ...sms, to }],
      ['email', { ...email, to: mailbox }],
      ['send', { ...email, to: `Ada <${mailbox.toUpperCase()}>` }],
    ] as const) {
      const refused = await send(path, body);
      expect([refused.status, refused.body.code]).to.deep.equal([422, 'recipient_suppressed']);
    }
  });

  it('is accepted with another address, another channel and after START', async () => {
    const to = number();
    await stop(to);
    expect((await send('sms', { ...sms, to: number() })).status).to.equal(202);
    await restore(service.databaseUrl, to);
    expect((await send('sms', { ...sms, to })).status).to.equal(202);
  });

  it('is accepted from another sender if the scope of the entry is a sender', async () => {
    const to = number();
    await stop(to, { scope: 'sender', sender: sms.from });
    expect((await send('sms', { ...sms, to })).status).to.equal(422);
    expect((await send('sms', { ...sms, from: '+12016665555', to })).status).to.equal(202);
    await stop(to, { scope: 'all', reason: 'manual' });
    const { body } = await send('sms', { ...sms, to });
    expect(body.suppressions.map(({ scope }: { scope: string }) => scope)).to.deep.equal(['all', 'sender']);
  });

  it('is refused after an unsubscribe only if its purpose is marketing', async () => {
    const to = address();
    await stop(to, { reason: 'unsubscribe' });
    const statuses: Record<string, number> = {};
    for (const purpose of ['conversational', 'transactional', 'marketing'])
      statuses[purpose] = (await send('email', { ...email, to, purpose })).status;
    expect(statuses).to.deep.equal({ conversational: 202, transactional: 202, marketing: 422 });
    await stop(to, { reason: 'hard_bounce' });
    expect((await send('email', { ...email, to })).status).to.equal(422);
  });

  it('is returned to a repeat of a request that was accepted before', async () => {
    const to = number();
    const first = await send('sms', { ...sms, to }, 'before-stop');
    await stop(to);
    const repeat = await send('sms', { ...sms, to }, 'before-stop');
    expect([repeat.status, repeat.headers.get('idempotent-replayed')]).to.deep.equal([202, 'true']);
    expect(repeat.body).to.deep.equal(first.body);
    expect((await send('sms', { ...sms, to }, 'after-stop')).status).to.equal(422);
    await restore(service.databaseUrl, to);
    const again = await send('sms', { ...sms, to }, 'after-stop');
    expect([again.status, again.headers.get('idempotent-replayed')]).to.deep.equal([202, null]);
  });

  it('does not affect the other messages of its batch', async () => {
    const [stopped, ...others] = Array.from({ length: 40 }, number) as [string, ...string[]];
    await stop(stopped);
    const all = await Promise.all([...others, stopped].map((to) => send('sms', { ...sms, to })));
    expect(all.map(({ status }) => status)).to.deep.equal([...others.map(() => 202), 422]);
    expect(all.slice(0, -1).map(({ body }) => body.to[0])).to.deep.equal(others);
  });

  it('is refused in a group, with the path of each suppressed recipient in the request', async () => {
    const [to, cc, bcc] = [address(), address(), address()];
    await stop(cc);
    await stop(bcc);
    const body = { ...email, to: [to, to.toUpperCase(), cc], cc: [address(), cc], bcc };
    const refused = await send('email', { ...body, bcc: [bcc] });
    expect(refused.status).to.equal(422);
    expect(paths(refused)).to.deep.equal(['/body/to/2', '/body/bcc/0']);
    expect(refused.body.suppressions.map((entry: { address: string }) => entry.address)).to.deep.equal([
      cc,
      bcc,
    ]);
  });

  it('is sent to the other recipients of a group with skip_suppressed', async () => {
    const [one, stopped, other] = [number(), number(), number()];
    await stop(stopped);
    const body = { ...mms, to: [one, stopped, other], skip_suppressed: true };
    const accepted = await send('sms', body, 'skipping');
    expect([accepted.status, accepted.body.to]).to.deep.equal([202, [one, stopped, other]]);
    expect(states(accepted.body.recipients)).to.deep.equal([
      [one, 'queued', undefined],
      [stopped, 'failed', 'recipient_suppressed'],
      [other, 'queued', undefined],
    ]);
    expect(accepted.body.recipients[1].error.class).to.equal('opted_out');
    const repeat = await send('sms', body, 'skipping');
    expect(repeat.body).to.deep.equal(accepted.body);
  });

  it('is refused with skip_suppressed if no recipient remains, or only recipients of blind copies', async () => {
    const [one, other] = [address(), address()];
    await stop(one);
    await stop(other);
    const skipping = { ...email, skip_suppressed: true };
    expect((await send('email', { ...skipping, to: one })).status).to.equal(422);
    expect(paths(await send('email', { ...skipping, to: [one, other] }))).to.deep.equal([
      '/body/to/0',
      '/body/to/1',
    ]);
    expect((await send('email', { ...skipping, to: one, bcc: [address()] })).status).to.equal(422);
    expect((await send('email', { ...skipping, to: one, cc: [address()] })).status).to.equal(202);
  });
});
