import { hostname } from 'node:os';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { uploadMs } from '../upload-time.ts';
import type { SmtpSettings } from './config.ts';
import { MessageStream } from './message-stream.ts';
import type { Phase } from './reply.ts';
import { lost, phaseOf, SessionError, type SmtpError } from './session-error.ts';

export interface Sent {
  refused: readonly SmtpError[];
}

/** Of nodemailer's connection, which has no public names for these. */
interface Internals {
  _supportedExtensions: string[];
  _socket: { ref(): void; unref(): void } | false;
}

export interface SessionOptions {
  settings: SmtpSettings;
  /** The name for EHLO if the settings have none. */
  name: string | null;
  /** Max time to connect, to start TLS and to log in, in milliseconds; also max time for the reply to a command. */
  timeoutMs: number;
  signal: AbortSignal;
}

/** A connection to a mail server that is ready for messages: greeted, secured and logged in. */
export class Session {
  readonly #connection: SMTPConnection & Internals;
  #failure: SmtpError | null = null;
  #isOpen = true;
  #onFailure: (error: SmtpError) => void = () => undefined;
  /** The number of messages that this session has sent. */
  sent = 0;

  private constructor(connection: SMTPConnection) {
    this.#connection = connection as SMTPConnection & Internals;
    connection.on('error', (error: SmtpError) => {
      this.#failure = error;
      this.#isOpen = false;
      this.#onFailure(error);
    });
    connection.on('end', () => {
      this.#isOpen = false;
      // After the end of the connection, nodemailer still reports the reply that ended it.
      setImmediate(() => this.#onFailure(lost()));
    });
  }

  /** @throws {SessionError} the server cannot be reached, or refuses the client. */
  static async open({ settings, name, timeoutMs, signal }: SessionOptions): Promise<Session> {
    const { host, port, implicitTls, requireTls, credentials, ca } = settings;
    const session = new Session(
      new SMTPConnection({
        ...{ host, port, secure: implicitTls, requireTLS: requireTls, ignoreTLS: !requireTls },
        ...{ name: settings.name ?? name ?? hostname(), allowInternalNetworkInterfaces: true },
        ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, dnsTimeout: timeoutMs },
        // `send` limits the time of each step. This is the longest of them.
        ...{ socketTimeout: DATA_TIMEOUTS * timeoutMs, socketCloseTimeout: 1_000 },
        tls: { minVersion: 'TLSv1.2', ...(ca !== null && { ca }) },
      }),
    );
    const startedAt = performance.now();
    let phase: Phase = 'connect';
    try {
      await session.#run(timeoutMs, signal, (done) => session.#connection.connect(done));
      phase = 'auth';
      if (credentials !== null) {
        const { user, password: pass } = credentials;
        const remainingMs = Math.max(1, timeoutMs - (performance.now() - startedAt));
        await session.#run<unknown>(remainingMs, signal, (done) =>
          session.#connection.login({ user, pass }, done),
        );
      }
    } catch (cause) {
      session.close();
      const error = cause as SmtpError;
      throw new SessionError(error.code === 'ETLS' ? 'tls' : phase, false, error);
    }
    return session;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether the server accepts addresses beyond ASCII (RFC 6531). */
  get supportsUtf8(): boolean {
    return this.#connection._supportedExtensions.includes('SMTPUTF8');
  }

  /**
   * Sends one message in one transaction.
   *
   * @returns the recipients whom the server refused; it accepted the message for the others.
   * @throws {SessionError} the server accepted the message for nobody, or it is not known.
   */
  async send(
    envelope: { from: string; to: readonly string[] },
    content: Buffer,
    { timeoutMs, signal }: Pick<SessionOptions, 'timeoutMs' | 'signal'>,
  ): Promise<Sent> {
    this.#setReferenced(true);
    this.sent++;
    const given = { from: envelope.from, to: [...envelope.to], size: content.length };
    let message: MessageStream | undefined;
    try {
      const info = await this.#run<{ rejectedErrors?: SmtpError[] }>(
        ENVELOPE_TIMEOUTS * timeoutMs,
        signal,
        (done, restart) => {
          const dataMs = DATA_TIMEOUTS * timeoutMs + uploadMs(content.length);
          message = new MessageStream(content, () => restart(dataMs));
          this.#connection.send(given, message, done as never);
        },
      );
      return { refused: info.rejectedErrors ?? [] };
    } catch (cause) {
      const mayBeComplete = message?.mayBeComplete ?? false;
      throw new SessionError(phaseOf(cause as SmtpError, mayBeComplete), mayBeComplete, cause as SmtpError);
    }
  }

  /** An idle session does not keep the process running. */
  idle(): void {
    this.#setReferenced(false);
  }

  /** Ends the session politely: the server is not waited for. */
  quit(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#setReferenced(false);
    this.#connection.quit();
  }

  close(): void {
    this.#isOpen = false;
    this.#connection.close();
  }

  #setReferenced(isReferenced: boolean): void {
    const { _socket: socket } = this.#connection;
    if (socket) socket[isReferenced ? 'ref' : 'unref']();
  }

  /** Runs one step. An error of the connection, the end of the time, and an abort reject. */
  async #run<T = void>(
    limitMs: number,
    signal: AbortSignal,
    step: (done: (error?: SmtpError | null, result?: T) => void, restart: (ms: number) => void) => void,
  ): Promise<T> {
    if (this.#failure) throw this.#failure;
    if (!this.#isOpen) throw lost();
    const result = Promise.withResolvers<T>();
    const fail = (error: SmtpError) => {
      result.reject(error);
      this.close();
    };
    const timedOut = () => fail(Object.assign(new Error('Timeout'), { code: 'ETIMEDOUT' }));
    const onAbort = () => fail(Object.assign(new Error('The call was aborted'), { code: 'ABORTED' }));
    let timer = setTimeout(timedOut, limitMs);
    const restart = (ms: number) => {
      clearTimeout(timer);
      timer = setTimeout(timedOut, ms);
    };
    this.#onFailure = result.reject;
    signal.addEventListener('abort', onAbort);
    try {
      if (signal.aborted) onAbort();
      else step((error, value) => (error ? result.reject(error) : result.resolve(value as T)), restart);
      return await result.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      this.#onFailure = () => undefined;
    }
  }
}

/** Max time of MAIL FROM and RCPT TO together, as a multiple of the timeout. */
export const ENVELOPE_TIMEOUTS = 2;
/** Max time of the data and the reply to the final dot: servers check the content before they reply (RFC 5321, section 4.5.3.2.6). */
export const DATA_TIMEOUTS = 5;
