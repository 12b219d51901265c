import { createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import type { CallContext, SendOutcome } from '../../../src/providers/provider.ts';
import { listen } from '../../support/listen.ts';
import { referenceEmail } from '../../support/mail.ts';
import { callContext } from '../../support/provider-server.ts';
import { emailTo, smtpAt } from '../../support/smtp.ts';

/** The step before which the server stops, and its last words; null for silence. */
type Step = 'greeting' | 'EHLO' | 'MAIL' | 'RCPT' | 'DATA' | 'body' | 'end';
type Stop = (socket: Socket) => void;

const REPLIES: Partial<Record<Step, string>> = {
  EHLO: '250 mail.example.net\r\n',
  MAIL: '250 OK\r\n',
  RCPT: '250 OK\r\n',
  DATA: '354 Go on\r\n',
};

/** A mail server on a plain socket, without extensions, which stops at a step. */
async function withServer<T>(step: Step, stop: Stop, run: (port: number) => Promise<T>): Promise<T> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    if (step === 'greeting') return stop(socket);
    socket.write('220 mail.example.net\r\n');
    let received = '';
    let isData = false;
    socket.on('data', (chunk) => {
      if (isData && step === 'body') return stop(socket);
      received += chunk.toString('latin1');
      if (isData) {
        if (!received.endsWith('\r\n.\r\n')) return;
        stop(socket);
        return;
      }
      const lines = received.split('\r\n');
      received = lines.pop() as string;
      for (const line of lines) {
        const command = line.slice(0, 4).toUpperCase() as Step;
        if (command === step) return stop(socket);
        isData ||= command === 'DATA';
        socket.write(REPLIES[command] ?? '250 OK\r\n');
      }
    });
  });
  const port = await listen(server);
  try {
    return await run(port);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

const end: Stop = (socket) => void socket.end();
const reset: Stop = (socket) => void socket.resetAndDestroy();
const silence: Stop = () => undefined;
const noise: Stop = (socket) => void socket.write('what?\r\n');

function send(port: number, text = 'Hello', context: Partial<CallContext> = {}): Promise<SendOutcome> {
  const envelope = ['ada@example.net'];
  const { email } = referenceEmail();
  const message = emailTo(envelope, { email: { ...email, html: null, text, envelope } });
  return smtpAt(port, { credentials: null }, 400).send(message, callContext(context));
}

describe('A mail server that stops in the middle of a session', () => {
  const BEFORE: Step[] = ['greeting', 'EHLO', 'MAIL', 'RCPT', 'DATA'];

  for (const [name, stop] of Object.entries({ end, reset, silence })) {
    it(`by ${name} before the data has certainly not got the email`, async () => {
      for (const step of BEFORE)
        expect(await withServer(step, stop, send), step).to.include({ outcome: 'unavailable' });
    });

    it(`by ${name} after the final dot may have got the email`, async () => {
      const outcome = await withServer('end', stop, send);
      expect(outcome).to.include({ outcome: 'unknown', code: 'connection_lost_after_data' });
      expect((outcome as { detail: string }).detail).to.match(/after the final dot$/);
    });
  }

  it('in the middle of a long email has certainly not got it, because the final dot was not sent', async () => {
    const text = 'A line of text.\r\n'.repeat(1_000_000);
    expect(await withServer('body', reset, (port) => send(port, text))).to.include({
      outcome: 'unavailable',
    });
  });

  it('does not get the email again at once if the transaction took longer than the timeout', async () => {
    let stops = 0;
    const stop: Stop = (socket) => {
      stops++;
      setTimeout(() => socket.resetAndDestroy(), 500);
    };
    const outcome = await withServer('MAIL', stop, (port) => send(port, 'Hello', { once: false }));
    expect([outcome.outcome, stops]).to.deep.equal(['unavailable', 1]);
  });

  it('by a reply that is none has not got the email before the data, and may have got it after the final dot', async () => {
    expect(await withServer('MAIL', noise, send)).to.include({ outcome: 'unavailable' });
    expect(await withServer('end', noise, send)).to.include({ outcome: 'unknown' });
  });

  it('is left at once when the call is aborted, with the outcome of the step', async () => {
    for (const [step, outcome] of [
      ['RCPT', 'unavailable'],
      ['end', 'unknown'],
    ] as const) {
      const abort = new AbortController();
      const result = await withServer(
        step,
        () => abort.abort(),
        (port) => send(port, 'Hello', { signal: abort.signal }),
      );
      expect(result, step).to.include({ outcome });
    }
  });
});
