import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SMTPServer } from 'smtp-server';
import { missingForFiles } from '../../../src/providers/file-capabilities.ts';
import type { Provider } from '../../../src/providers/provider.ts';
import { createRegistry } from '../../../src/providers/registry.ts';
import type { SmtpSettings } from '../../../src/providers/smtp/config.ts';
import { loadConfig } from '../../../src/service/service.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/server.ts';
import { CERTIFICATE, KEY } from '../../support/certificate.ts';
import { listen } from '../../support/listen.ts';
import { type Email, expectSame, readBack, referenceEmail } from '../../support/mail.ts';
import { callContext } from '../../support/provider-server.ts';
import { controlOf, emailTo, PASSWORD, smtpAt } from '../../support/smtp.ts';

/** [phase, reply, outcome, class, code, whether the operator must act]. */
const REPLIES = [
  ['greeting', '421 4.3.2 Shutting down', 'unavailable', 'provider_error', 'smtp_421_4_3_2', false],
  ['greeting', '554 No service for you', 'unavailable', 'account_problem', 'smtp_554', true],
  ['auth', '535 5.7.8 Wrong password', 'unavailable', 'account_problem', 'smtp_535_5_7_8', true],
  ['auth', '454 4.7.0 Try later', 'unavailable', 'provider_error', 'smtp_454_4_7_0', false],
  ['mail', '550 5.7.1 Not your sender', 'unavailable', 'sender_not_allowed', 'smtp_550_5_7_1', true],
  ['mail', '530 5.7.0 Log in first', 'unavailable', 'account_problem', 'smtp_530_5_7_0', true],
  ['mail', '552 5.3.4 Too large', 'rejected', 'content_rejected', 'smtp_552_5_3_4', undefined],
  ['mail', '421 4.7.0 Too many messages', 'unavailable', 'provider_error', 'smtp_421_4_7_0', false],
  ['mail', '451 4.3.0 Try later', 'unavailable', 'provider_error', 'smtp_451_4_3_0', false],
  ['rcpt', '550 5.1.1 No such user', 'rejected', 'invalid_destination', 'smtp_550_5_1_1', undefined],
  ['rcpt', '550 No such user', 'rejected', 'invalid_destination', 'smtp_550', undefined],
  ['rcpt', '550 5.7.1 Blocked', 'rejected', 'blocked_by_carrier', 'smtp_550_5_7_1', undefined],
  ['rcpt', '452 4.2.2 Mailbox full', 'unavailable', 'unreachable', 'smtp_452_4_2_2', false],
  ['rcpt', '450 4.2.0 Greylisted', 'unavailable', 'provider_error', 'smtp_450_4_2_0', false],
  ['data', '554 5.5.1 No valid recipients', 'rejected', 'provider_error', 'smtp_554_5_5_1', undefined],
  ['data', '451 4.3.0 Try later', 'unavailable', 'provider_error', 'smtp_451_4_3_0', false],
  ['end', '451 4.3.0 Try later', 'unavailable', 'provider_error', 'smtp_451_4_3_0', false],
  ['end', '421 4.3.2 Shutting down', 'unavailable', 'provider_error', 'smtp_421_4_3_2', false],
  ['end', '552 5.2.2 Over quota', 'rejected', 'unreachable', 'smtp_552_5_2_2', undefined],
  ['end', '554 5.7.1 Spam', 'rejected', 'content_rejected', 'smtp_554_5_7_1', undefined],
] as const;

describe('An account of the kind smtp', () => {
  let simulator: Simulator;
  let provider: Provider;
  let control: ReturnType<typeof controlOf>;
  before(async () => {
    simulator = await startSimulator({ apiKey: PASSWORD, smtp: { maxBytes: 1_048_576 } });
    provider = smtpAt(simulator.smtpPort as number);
    control = controlOf(simulator);
  });
  after(() => simulator.stop());
  beforeEach(() => control.reset());

  const send = (to: string[], context = {}, from = provider) => from.send(emailTo(to), callContext(context));

  it('has the limit of the service for the files of one message, so that more are refused on submission', () => {
    const missing = (size: number) =>
      missingForFiles(provider.capabilities, {
        ...{ ...emailTo(['ada@example.net']), attachments: [], segments: null },
        media: [{ id: 1, content_type: 'image/png', size }],
      });
    expect(missing(26_214_400)).to.deep.equal([]);
    expect(missing(26_214_401)).to.have.length(1);
  });

  it('sends the reference email whole, and the blind copy is only in the envelope', async () => {
    const message = referenceEmail();
    expect(await provider.send(message, callContext())).to.deep.equal({
      ...{ outcome: 'accepted', httpStatus: null, providerMessageId: message.email.messageId },
    });
    const [received, ...others] = await control.received();
    expect(others).to.deep.equal([]);
    expect(received).to.include({ from: message.from });
    expect(received?.to).to.deep.equal(message.email.envelope);
    const raw = Buffer.from(received?.raw ?? '', 'latin1');
    expect(raw.toString('latin1')).to.not.include(message.bcc?.[0] as string);
    expectSame(await readBack(raw), message as Email);
  });

  it('has the outcome, the class and the code of each reply', async () => {
    for (const [phase, reply, outcome, errorClass, code, isOperatorError] of REPLIES) {
      await control.faults({ phase, reply });
      const result = await send(['ada@example.net'], { once: true });
      const { detail, httpStatus, retryAfterMs, ...rest } = result as never as Record<string, unknown>;
      const expected = {
        outcome,
        class: errorClass,
        code,
        ...(isOperatorError !== undefined && { isOperatorError }),
      };
      expect(rest, `${phase} ${reply}`).to.deep.equal(expected);
      expect(detail, reply).to.equal(reply);
      expect(await control.received(), reply).to.deep.equal([]);
    }
  });

  it('sends to the recipients whom the server accepts, and names the others with their errors', async () => {
    const result = await send(['ada@example.net', 'reject@example.net', 'greylist@example.net']);
    expect(result).to.deep.include({ outcome: 'accepted' });
    expect((result as { refused?: object[] }).refused).to.deep.equal([
      {
        ...{
          address: 'reject@example.net',
          outcome: 'rejected',
          class: 'invalid_destination',
          httpStatus: null,
        },
        ...{ code: 'smtp_550_5_1_1', detail: '550 5.1.1 The mailbox does not exist' },
      },
      {
        ...{
          address: 'greylist@example.net',
          outcome: 'unavailable',
          class: 'provider_error',
          httpStatus: null,
        },
        ...{ code: 'smtp_450_4_2_0', detail: '450 4.2.0 Greylisted, try again later' },
      },
    ]);
    expect((await control.received()).map(({ to }) => to)).to.deep.equal([['ada@example.net']]);
  });

  it('waits if the server refuses all recipients, and at least one of them only for now', async () => {
    expect(await send(['reject@example.net', 'greylist@example.net'])).to.include({
      ...{ outcome: 'unavailable', code: 'smtp_450_4_2_0' },
    });
    expect(await control.received()).to.deep.equal([]);
  });

  it('knows before the data that the email is too large', async () => {
    const { email } = referenceEmail();
    const large = emailTo(['ada@example.net'], {
      email: { ...email, text: 'x'.repeat(1_200_000), envelope: ['ada@example.net'] },
    });
    expect(await provider.send(large, callContext())).to.include({
      ...{ outcome: 'rejected', class: 'content_rejected', code: 'message_too_large' },
    });
    expect(await control.received()).to.deep.equal([]);
  });

  it('uses one connection for several messages, and connects again if the server has ended it', async () => {
    for (const n of [1, 2])
      expect(await send([`p${n}@example.net`], { once: false })).to.include({ outcome: 'accepted' });
    await control.faults({ phase: 'mail', cut: true, times: 1 });
    expect(await send(['p3@example.net'], { once: false })).to.include({ outcome: 'accepted' });
    expect((await control.received()).map(({ to }) => to[0])).to.deep.equal(
      [1, 2, 3].map((n) => `p${n}@example.net`),
    );
    expect(await control.calls()).to.have.lengthOf(4);
  });

  it('makes one request only if the call says so, or if the ledger ends the call', async () => {
    for (const context of [{ once: true }, { once: false, mayContinue: async () => false }]) {
      await control.reset();
      await control.faults({ phase: 'rcpt', cut: true });
      expect(await send(['ada@example.net'], context)).to.include({ outcome: 'unavailable' });
      expect(await control.calls()).to.have.lengthOf(1);
    }
  });

  it('encrypts by STARTTLS, and refuses a server without a valid certificate or without STARTTLS', async () => {
    const port = simulator.smtpPort as number;
    const secure = smtpAt(port, { requireTls: true, ca: CERTIFICATE });
    expect(await send(['ada@example.net'], {}, secure)).to.include({ outcome: 'accepted' });
    expect((await control.received())[0]).to.include({ secure: true });
    expect(await secure.check?.(callContext())).to.deep.equal([
      { result: 'ok', text: 'connection: the certificate is valid; the user and the password are accepted' },
    ]);
    const unknown = smtpAt(port, { requireTls: true });
    expect(await send(['ada@example.net'], {}, unknown)).to.include({
      ...{ outcome: 'unavailable', class: 'account_problem', isOperatorError: true },
    });
    expect(await control.received()).to.have.lengthOf(1);
  });

  it('encrypts from the first byte with an smtps URL, names the cause of a failure of TLS, and refuses an address that needs SMTPUTF8 where the server lacks it', async () => {
    const received: [secure: boolean, to: string[]][] = [];
    const options = {
      secure: true,
      key: KEY,
      cert: CERTIFICATE,
      authMethods: ['PLAIN'],
      hideSMTPUTF8: true,
      closeTimeout: 100,
    };
    const server = new SMTPServer({
      ...options,
      onAuth: ({ username }, _session, done) => done(null, { user: username }),
      onData: (stream, { secure, envelope }, done) => {
        received.push([secure, envelope.rcptTo.map(({ address }) => address)]);
        stream.resume().once('end', () => done());
      },
    });
    // A client that does not trust the certificate ends the handshake.
    server.on('error', () => undefined);
    const folder = mkdtempSync(join(tmpdir(), 'smtps-'));
    try {
      const port = await listen(server.server);
      const file = join(folder, 'ca.pem');
      writeFileSync(file, CERTIFICATE);
      const { accounts } = loadConfig({
        ...{ EMAIL_PROVIDERS: 'smtp', SMTP_CA_FILE: file },
        SMTP_URL: `smtps://shop:${PASSWORD}@127.0.0.1:${port}`,
      });
      const own = createRegistry(accounts, 20_000).email[0] as Provider;
      expect(await send(['ada@example.net'], {}, own)).to.include({ outcome: 'accepted' });
      expect(await send(['jörg@example.net'], {}, own)).to.include({
        ...{ outcome: 'rejected', class: 'invalid_destination', code: 'smtputf8_not_supported' },
      });
      for (const changes of [{ reply_to: 'jörg@example.net' }, { cc: ['jörg@example.net'] }])
        expect(await own.send(emailTo(['ada@example.net'], changes), callContext())).to.include({
          code: 'smtputf8_not_supported',
        });
      expect(received).to.deep.equal([[true, ['ada@example.net']]]);
      const textOf = async (at: number, settings: Partial<SmtpSettings>, timeoutMs?: number) =>
        (await smtpAt(at, { requireTls: true, ...settings }, timeoutMs).check?.(callContext()))?.[0]?.text;
      expect(await textOf(port, {}, 300)).to.match(/no greeting in time.* such as 465, requires smtps:\/\/$/);
      expect(await textOf(port, { implicitTls: true })).to.match(/self_signed_cert\)\. Set SMTP_CA_FILE to/);
      expect(await textOf(port, { implicitTls: true, ca: CERTIFICATE, host: 'localhost' })).to.match(
        /not valid for localhost .* Correct the host in SMTP_URL/,
      );
      expect(await textOf(simulator.smtpPort as number, { implicitTls: true })).to.match(
        /no TLS from the start .* such as 587, requires smtp:\/\/$/,
      );
      // The simulator has it.
      expect(await send(['jörg@example.net'])).to.include({ outcome: 'accepted' });
      expect((await control.received())[0]?.to).to.deep.equal(['jörg@example.net']);
    } finally {
      await new Promise<void>((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true });
    }
  });

  it('is checked without an email, with the variables to correct', async () => {
    const wrong = smtpAt(simulator.smtpPort as number, { credentials: { user: 'shop', password: 'wrong' } });
    const [check] = (await wrong.check?.(callContext())) ?? [];
    expect(check).to.deep.equal({
      result: 'fault',
      text: 'login: 535 5.7.8 Authentication failed (smtp_535_5_7_8). Correct the user and the password in SMTP_URL',
    });
    expect(check?.text).to.not.include('wrong');
    expect(await control.calls()).to.deep.equal([]);
  });
});
