import { expect } from 'chai';
import fc from 'fast-check';
import pg from 'pg';
import { email, mms, sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Answer, type Harness, startHarness } from '../support/harness.ts';
import { addMedia, removeMedia, storeMedia } from '../support/media.ts';
import { telnyxEnvironment } from '../support/telnyx.ts';
import { PUBLIC_URL, twilioEnvironment } from '../support/twilio.ts';
import { until } from '../support/until.ts';
import { vonageAccount } from '../support/vonage.ts';

const NOWHERE = 'http://127.0.0.1:9';
const [TWILIO, TELNYX, VONAGE, SHARED] = ['+12016660001', '+12016660002', '+12016660003', '+12016660004'];
const NO_FILE = 999_999_999;
const text = { from: sms.from, to: sms.to, body: 'Look' };

describe('A message that names stored files', () => {
  let api: Harness;
  let picture: number;
  before(async () => {
    api = await startHarness({
      ...twilioEnvironment(NOWHERE),
      ...telnyxEnvironment(NOWHERE),
      ...vonageAccount(NOWHERE),
      SMS_PROVIDERS: 'vonage,telnyx,twilio,text-co',
      ...{
        TWILIO_SENDERS: `${TWILIO},${SHARED}`,
        TELNYX_SENDERS: TELNYX,
        VONAGE_SENDERS: `${VONAGE},${SHARED}`,
      },
      ...{ TEXT_CO_SENDERS: sms.from, ROLE: 'api' },
      ...{ EMAIL_PROVIDERS: 'mail-co,postmark', MAIL_CO_SENDERS: email.from },
      ...{
        POSTMARK_URL: NOWHERE,
        POSTMARK_SERVER_TOKEN: 'server-token',
        POSTMARK_WEBHOOK_PASSWORD: 'a-long-password-1',
      },
    });
    picture = await storeMedia(api.databaseUrl, { name: 'a.png' });
  });
  after(() => api.stop());

  const post = (path: string, body: object, key?: string): Promise<Answer> =>
    api.request('POST', `/api/messages/${path}`, body, key === undefined ? {} : { 'idempotency-key': key });
  const faultsOf = ({ status, body }: Answer) => {
    expect(status, JSON.stringify(body)).to.equal(422);
    return [body.code, ...body.errors.map((error: object) => Object.values(error).join(': '))];
  };
  const sized = (contentType: string, size: number) => storeMedia(api.databaseUrl, { contentType, size });

  it('is an mms without a text, and shows the files in their order with links', async () => {
    const second = await sized('application/pdf', 1_234);
    const { status, body } = await post('sms', { ...text, body: '', media_ids: [second, picture] });
    expect([status, body.type, body.attachments]).to.deep.equal([202, 'mms', []]);
    const link = new RegExp(
      `^${PUBLIC_URL}/api/media/${picture}/content\\?expires=\\d+&signature=[\\w-]{43}$`,
    );
    expect(body.media.map(({ id, state }: { id: number; state: string }) => [id, state])).to.deep.equal([
      [second, 'stored'],
      [picture, 'stored'],
    ]);
    expect(body.media[1]).to.include({ content_type: 'image/png', name: 'a.png' });
    expect(body.media[1].url).to.match(link);
    expect((await api.request('GET', `/api/messages/${body.id}`)).body.media).to.deep.equal(body.media);
  });

  it('is an email with files, or an mms with URLs and files', async () => {
    const sent = await post('email', { ...email, media_ids: [picture] });
    expect([sent.status, sent.body.media.length]).to.deep.equal([202, 1]);
    const both = await post('send', { ...mms, media_ids: [picture] });
    expect([both.status, both.body.attachments, both.body.media.length]).to.deep.equal([
      202,
      mms.attachments,
      1,
    ]);
  });

  it('has no files for an empty list', async () => {
    const { status, body } = await post('sms', { ...text, media_ids: [] });
    expect([status, body.type]).to.deep.equal([202, 'sms']);
    expect(body).not.to.have.property('media');
  });

  it('is refused if a file does not exist, or is not stored', async () => {
    const pending = await addMedia(api.databaseUrl, 'pending');
    const failed = await addMedia(api.databaseUrl, 'failed');
    const refused = await post('sms', { ...text, media_ids: [NO_FILE, picture, pending, failed] });
    expect(faultsOf(refused)).to.deep.equal([
      'invalid_request',
      `/body/media_ids/0: there is no media ${NO_FILE}`,
      `/body/media_ids/2: media ${pending} is pending; only stored media can be sent`,
      `/body/media_ids/3: media ${failed} is failed; only stored media can be sent`,
    ]);
  });

  it('is refused with the path of the file in attachments of an email', async () => {
    const [half, larger] = [
      await sized('application/pdf', 5_000_000),
      await sized('application/pdf', 5_000_001),
    ];
    const from = 'shop@postmark.example';
    const cases: [body: object, path: string][] = [
      [{ ...email, attachments: ['https://example.com/a.pdf', { media_id: NO_FILE }] }, '1/media_id'],
      [{ ...email, from, media_ids: [half], attachments: [{ media_id: larger }] }, '0/media_id'],
      [
        { ...email, from, media_ids: [larger], attachments: [{ content: 'YWJj' }, { media_id: half }] },
        '1/media_id',
      ],
    ];
    for (const [body, path] of cases)
      expect(faultsOf(await post('email', body))[1]).to.match(new RegExp(`^/body/attachments/${path}: `));
  });

  it('is refused as a text with a file of a type that no mms has, and sent as an email', async () => {
    const media_ids = [picture, await sized('application/zip', 10)];
    expect(faultsOf(await post('sms', { ...text, media_ids }))).to.deep.equal([
      'invalid_request',
      `/body/media_ids/1: media ${media_ids[1]} is application/zip, which an mms cannot have`,
    ]);
    expect((await post('email', { ...email, media_ids })).status).to.equal(202);
  });

  it('is refused as an sms, with a repeated file, and with more than ten files', async () => {
    const path = (answer: Answer) => faultsOf(answer).map((fault) => fault.split(':')[0]);
    const attachments = Array.from({ length: 10 }, (_, n) => `https://example.com/${n}.png`);
    for (const [route, body] of [
      ['sms', { ...text, type: 'sms', media_ids: [picture] }],
      ['send', { ...text, type: 'sms', media_ids: [picture] }],
      ['send', { ...text, media_ids: [picture, picture] }],
      ['send', { ...text, attachments, media_ids: [picture] }],
      ['email', { ...email, attachments, media_ids: [picture] }],
    ] as const)
      expect(path(await post(route, body)), JSON.stringify(body)).to.deep.equal([
        'invalid_request',
        '/body/media_ids',
      ]);
    for (const id of [0, -1, 1.5, '1', null])
      expect(path(await post('send', { ...text, media_ids: [id] }))).to.deep.equal([
        'invalid_request',
        '/body/media_ids/0',
      ]);
  });

  it('is refused with the file, the limit of each account, and an alternative', async () => {
    const [large, larger, other, archive, vcard] = await Promise.all([
      sized('image/jpeg', 700_000),
      sized('image/jpeg', 4_500_000),
      sized('image/png', 400_000),
      sized('audio/x-unknown', 10),
      sized('text/vcard', 500_001),
    ]);
    const cases: [from: string, ids: number[], ...faults: string[]][] = [
      [
        VONAGE,
        [large],
        `/body/media_ids/0: media ${large} (image/jpeg) has 700000 bytes, but vonage (kind vonage) sends at most 600000 ` +
          'bytes of image/jpeg in one file; send a smaller file, or add an account of a kind with larger files',
      ],
      [
        VONAGE,
        [picture, archive],
        '/body/media_ids: has 2 attachments, but vonage (kind vonage) sends at most 1 attachment; send several messages',
        `/body/media_ids/1: media ${archive} is audio/x-unknown, but vonage (kind vonage) does not send audio/x-unknown; ` +
          'convert the file, or add an account of a kind with this type',
      ],
      [
        TELNYX,
        [picture, large, other],
        `/body/media_ids/2: with media ${other} (image/png, 400000 bytes), the files have 1100068 bytes together, but ` +
          'telnyx (kind telnyx) sends at most 1000000 bytes in one message; send smaller files or several messages, or add ' +
          'an account of a kind with larger files',
      ],
      [
        TWILIO,
        [vcard],
        `/body/media_ids/0: media ${vcard} (text/vcard) has 500001 bytes, but twilio (kind twilio) sends at most 500000 ` +
          'bytes of text/vcard in one file; send a smaller file, or add an account of a kind with larger files',
      ],
    ];
    for (const [from, media_ids, ...faults] of cases) {
      const refused = await post('sms', { ...text, from, media_ids });
      expect(faultsOf(refused)).to.deep.equal(['missing_capability', ...faults]);
    }
    expect((await post('sms', { ...text, from: TWILIO, media_ids: [larger] })).status).to.equal(202);
    expect((await post('sms', { ...text, from: TWILIO, media_ids: [larger, large] })).status).to.equal(422);
  });

  it('goes only to the accounts that send its files', async () => {
    const accountsOf = async (media_ids: number[]) => {
      const { status, body } = await post('sms', { ...text, from: SHARED, media_ids });
      expect(status, JSON.stringify(body)).to.equal(202);
      const [row] = await query<{ accounts: string[] }>(
        api.databaseUrl,
        'select accounts from deliveries where message_id = $1',
        [body.id],
      );
      return row?.accounts;
    };
    expect(await accountsOf([picture])).to.deep.equal(['vonage', 'twilio']);
    expect(await accountsOf([await sized('image/png', 600_001)])).to.deep.equal(['twilio']);
    expect(await accountsOf([await sized('text/calendar', 10)])).to.deep.equal(['twilio']);
    expect(await accountsOf([picture, await sized('image/png', 1)])).to.deep.equal(['twilio']);
  });

  it('is replayed by its Idempotency-Key after a file was removed, and refused with other files', async () => {
    const file = await storeMedia(api.databaseUrl);
    const body = { ...text, media_ids: [file] };
    const first = await post('sms', body, 'with-files');
    const again = await post('sms', body, 'with-files');
    expect([again.headers.get('idempotent-replayed'), again.body]).to.deep.equal(['true', first.body]);
    const other = await post('sms', { ...body, media_ids: [picture] }, 'with-files');
    expect([other.status, other.body.code]).to.deep.equal([422, 'idempotency_key_reused']);
    await removeMedia(api.databaseUrl, file);
    const replayed = await post('sms', body, 'with-files');
    expect([replayed.status, replayed.body.id]).to.deep.equal([202, first.body.id]);
    expect(faultsOf(await post('sms', body, 'with-removed-files'))[1]).to.equal(
      `/body/media_ids/0: there is no media ${file}`,
    );
  });

  it('is refused if a file is removed while it is recorded, and the other messages of its batch are stored', async () => {
    const file = await storeMedia(api.databaseUrl);
    const client = new pg.Client(api.databaseUrl);
    await client.connect();
    try {
      const [{ pid }] = (await client.query('select pg_backend_pid() as pid')).rows;
      await client.query('begin');
      await client.query('delete from media where id = $1', [file]);
      const others = (to: string) => post('sms', { ...sms, to: `+1804555${to}` });
      const before = Array.from({ length: 8 }, (_, n) => others(`${2_000 + n}`));
      const sent = post('sms', { ...text, media_ids: [picture, file] });
      const after = Array.from({ length: 8 }, (_, n) => others(`${3_000 + n}`));
      await until(async () => {
        const waiting = `select from pg_stat_activity where ${pid} = any(pg_blocking_pids(pid))`;
        return (await query(api.databaseUrl, waiting)).length > 0;
      }, 'the message waits for the end of the removal');
      await client.query('commit');
      expect(faultsOf(await sent)).to.deep.equal([
        'invalid_request',
        `/body/media_ids/1: media ${file} was removed`,
      ]);
      for (const { status } of await Promise.all([...before, ...after])) expect(status).to.equal(202);
    } finally {
      await client.end();
    }
  });

  it('is previewed with the result and the errors of a send, whatever its files are', async () => {
    const ids = [
      ...[picture, NO_FILE, await addMedia(api.databaseUrl, 'pending')],
      ...(await Promise.all([
        sized('image/png', 600_001),
        sized('text/calendar', 9),
        sized('image/gif', 4_999_999),
      ])),
    ];
    const message = fc.record({
      from: fc.constantFrom(TWILIO, TELNYX, VONAGE, SHARED, sms.from, email.from),
      media_ids: fc.uniqueArray(fc.constantFrom(...ids), { maxLength: 3 }),
      attachments: fc.array(fc.constant('https://example.com/a.png'), { maxLength: 10 }),
      body: fc.constantFrom('', 'Look'),
    });
    await fc.assert(
      fc.asyncProperty(message, async (given) => {
        const body = { ...given, to: given.from === email.from ? email.to : sms.to };
        const [{ body: previewed }, { status, body: sent }] = await Promise.all([
          post('preview', body),
          post('send', body),
        ]);
        expect(previewed.valid).to.equal(status === 202);
        if (previewed.valid) {
          expect(previewed.type).to.equal(sent.type);
          return;
        }
        const shown = previewed.errors.filter(({ code }: { code: string }) => code === sent.code);
        // A send does not look for the files of a request that has other faults.
        expect(shown).to.include.deep.members(
          sent.errors.map((error: object) => ({ code: sent.code, ...error })),
        );
      }),
      { numRuns: 60 },
    );
  });
});

describe('A service without a public URL', () => {
  it('refuses a message that names stored files, because it has no links', async () => {
    const api = await startHarness({ ROLE: 'api' });
    try {
      const media_ids = [await storeMedia(api.databaseUrl)];
      const attachments = [{ content: 'YWJj' }];
      for (const [message, path] of [
        [{ ...text, media_ids }, '/body/media_ids/0'],
        [{ ...email, attachments }, '/body/attachments/0/content'],
        [{ ...email, attachments: [{ media_id: media_ids[0] }] }, '/body/attachments/0/media_id'],
      ] as const) {
        const { status, body } = await api.request('POST', '/api/messages/send', message);
        expect([status, body.code, body.errors[0].path]).to.deep.equal([422, 'missing_capability', path]);
        expect(body.errors[0].message).to.contain('PUBLIC_URL');
      }
    } finally {
      await api.stop();
    }
  });
});
