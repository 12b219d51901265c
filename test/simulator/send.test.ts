import { expect } from 'chai';
import { email, keyed, type Play, sms, startPlay } from './support.ts';

describe('A simulated provider', () => {
  let play: Play;
  beforeEach(async () => {
    play = await startPlay();
  });
  afterEach(() => play.stop());

  it('accepts a text message', async () => {
    const { status, body } = await play.send(sms, 'one');
    expect(status).to.equal(202);
    expect(body).to.deep.equal({ id: body.id, status: 'queued' });
    expect(body.id).to.match(/^sms_/);
    const [message] = await play.accepted();
    expect(message).to.include({
      id: body.id,
      channel: 'sms',
      idempotency_key: 'one',
      request_count: 1,
      sequence: 1,
    });
    expect(message?.request).to.deep.equal(sms);
  });

  it('accepts an email to several recipients', async () => {
    const { status, body } = await play.send({ ...email, to: ['a@example.com', 'b@example.com'] });
    expect(status).to.equal(202);
    expect(body.id).to.match(/^eml_/);
  });

  it('returns messages in the order of acceptance, also of one channel', async () => {
    const ids = [];
    for (const body of [sms, email, sms]) ids.push((await play.send(body)).body.id);
    expect((await play.accepted()).map(({ id }) => id)).to.deep.equal(ids);
    const { body } = await play.call('GET', '/_control/messages?channel=email');
    expect(body.data.map(({ id }: { id: string }) => id)).to.deep.equal([ids[1]]);
  });

  for (const [what, body] of Object.entries({
    'no sender': { ...sms, from: undefined },
    'a recipient of the wrong type': { ...sms, to: 5 },
    'a list of no recipients': { ...sms, to: [] },
    'no text': { ...sms, body: undefined },
    'an unknown type': { ...sms, type: 'fax' },
    'an email without a recipient': { ...email, to: undefined },
    'an email without a text': { ...email, body: 1 },
    'no recipient that is an email address': { ...email, to: ['nobody'] },
  })) {
    it(`refuses ${what}`, async () => {
      const answer = await play.send(body);
      expect(answer.status).to.equal(400);
      expect(answer.body.error.code).to.equal('invalid_request');
      expect(await play.accepted()).to.deep.equal([]);
    });
  }

  for (const body of ['{"from":', '[]', '']) {
    it(`refuses the body '${body}'`, async () => {
      const answer = await play.call('POST', '/sms/messages', body);
      expect(answer.status).to.equal(400);
      expect(answer.body.error.code).to.equal('invalid_request');
    });
  }

  it('refuses numbers that end in 0000009 and mailboxes named reject', async () => {
    for (const body of [
      { ...sms, to: '+18040000009' },
      { ...email, to: ['ok@example.com', 'reject@example.com'] },
    ]) {
      const answer = await play.send(body);
      expect(answer.status).to.equal(400);
      expect(answer.body.error.code).to.equal('invalid_recipient');
    }
    expect(await play.accepted()).to.deep.equal([]);
  });

  it('accepts 11 MB and refuses 13 MB', async () => {
    expect((await play.send({ ...email, body: 'x'.repeat(11e6) })).status).to.equal(202);
    expect((await play.send({ ...email, body: 'x'.repeat(13e6) })).status).to.equal(413);
  });

  it('answers 404 for an unknown path', async () => {
    expect((await play.call('GET', '/fax/messages')).status).to.equal(404);
  });

  it('reports that it is healthy', async () => {
    expect((await play.call('GET', '/healthz')).body).to.deep.equal({ status: 'ok' });
  });
});

describe('An idempotency key', () => {
  let play: Play;
  beforeEach(async () => {
    play = await startPlay();
  });
  afterEach(() => play.stop());

  it('creates one message from many requests, and counts the requests', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => play.send(sms, 'same')));
    expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([202]));
    expect(new Set(answers.map(({ body }) => body.id))).to.have.lengthOf(1);
    const accepted = await play.accepted();
    expect(accepted).to.have.lengthOf(1);
    expect(accepted[0]).to.include({ request_count: 5 });
  });

  it('is a different key on the other channel', async () => {
    const [first, second] = [await play.send(sms, 'same'), await play.send(email, 'same')];
    expect(first.body.id).not.to.equal(second.body.id);
  });

  it('has no effect if idempotency keys are not supported', async () => {
    await play.set({ honour_idempotency_keys: false });
    const ids = [(await play.send(sms, 'same')).body.id, (await play.send(sms, 'same')).body.id];
    expect((await play.accepted()).map(({ id }) => id)).to.deep.equal(ids);
    expect(new Set(ids)).to.have.lengthOf(2);
    const { body } = await play.call('GET', '/sms/messages?idempotency_key=same');
    expect(body.data.map(({ id }: { id: string }) => id)).to.deep.equal(ids);
  });
});

describe('A look-up', () => {
  let play: Play;
  beforeEach(async () => {
    play = await startPlay();
  });
  afterEach(() => play.stop());

  it('finds a message by its id, on its own channel only', async () => {
    const { id } = (await play.send(sms, 'one')).body;
    const { status, body } = await play.call('GET', `/sms/messages/${id}`);
    expect(status).to.equal(200);
    expect(body).to.include({ ...sms, id, status: 'queued', idempotency_key: 'one' });
    expect((await play.call('GET', `/email/messages/${id}`)).status).to.equal(404);
    expect((await play.call('GET', '/sms/messages/sms_unknown')).status).to.equal(404);
  });

  it('finds messages by their idempotency key', async () => {
    const { id } = (await play.send(email, 'one & only')).body;
    const find = (key: string) =>
      play.call('GET', `/email/messages?idempotency_key=${encodeURIComponent(key)}`);
    expect((await find('one & only')).body.data).to.have.nested.property('[0].id', id);
    expect((await find('another')).body).to.deep.equal({ data: [] });
  });

  it('is answered with 501 if look-ups are disabled', async () => {
    const { id } = (await play.send(sms, 'one')).body;
    await play.set({ lookup: false });
    expect((await play.call('GET', `/sms/messages/${id}`)).status).to.equal(501);
    expect((await play.call('GET', '/sms/messages?idempotency_key=one')).status).to.equal(501);
  });
});

describe('The API key', () => {
  let play: Play;
  before(async () => {
    play = await startPlay({ apiKey: 'right' });
  });
  after(() => play.stop());

  for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'right' }]) {
    it(`is required for a request with ${JSON.stringify(headers)}`, async () => {
      const { status, body } = await play.call(
        'POST',
        '/sms/messages',
        sms,
        headers as Record<string, string>,
      );
      expect(status).to.equal(401);
      expect(body.error).to.have.all.keys('code', 'message');
    });
  }

  it('gives access to the provider', async () => {
    const headers = { ...keyed('one'), authorization: 'Bearer right' };
    expect((await play.call('POST', '/sms/messages', sms, headers)).status).to.equal(202);
  });
});
