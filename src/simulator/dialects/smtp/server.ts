import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';
import type { Simulation } from '../../simulation.ts';
import type { Call, Store } from '../../store.ts';
import { CERTIFICATE, KEY } from './certificate.ts';
import { replyError, type SmtpFault, type SmtpPhase } from './faults.ts';
import { messageIdIn, refusalOf } from './message.ts';
import { accept, logCall, recipientsOf } from './transaction.ts';

export interface SmtpOptions {
  host: string;
  /** 0 for any free port. */
  port: number;
  /** The password of every user; default: any user and password, or none. */
  apiKey: string | undefined;
  /** Max bytes of a message. */
  maxBytes: number;
}

export interface SmtpServer {
  port: number;
  stop(): Promise<void>;
}

type Done = (error?: Error | null) => void;

/** The parts of a connection of smtp-server for which it has no hook. */
interface Connection {
  session: SMTPServerSession;
  _socket: { destroy(): void };
  send(code: number, text: string): void;
  handler_DATA(command: unknown, callback: () => void): void;
}

/** Starts the simulated mail server: STARTTLS, AUTH, and faults at each step of a session. */
export async function startSmtpServer(simulation: Simulation, options: SmtpOptions): Promise<SmtpServer> {
  const { host, port, apiKey, maxBytes } = options;
  const calls = new WeakMap<SMTPServerSession, Call>();
  /** Until a reset, which makes a new store. */
  const greylists = new WeakMap<Store, Set<string>>();
  const greylist = () => {
    const known = greylists.get(simulation.store) ?? new Set<string>();
    greylists.set(simulation.store, known);
    return known;
  };
  const server = new SMTPServer({
    ...{
      key: KEY,
      cert: CERTIFICATE,
      size: maxBytes,
      logger: false,
      disableReverseLookup: true,
      closeTimeout: 100,
    },
    ...{ authMethods: ['PLAIN', 'LOGIN'], allowInsecureAuth: true, authOptional: apiKey === undefined },
    onConnect: (session, done) => {
      refuseData(session);
      run('greeting', session, [], done);
    },
    onAuth: ({ password, username }, session, done) =>
      run('auth', session, [], (error) => {
        if (error) return done(error);
        if (apiKey !== undefined && password !== apiKey)
          return done(replyError('535 5.7.8 Authentication failed'));
        done(null, { user: username });
      }),
    onMailFrom: (_address, session, done) => {
      calls.set(session, logCall(simulation));
      run('mail', session, [], done);
    },
    onRcptTo: ({ address }, session, done) => {
      calls.get(session)?.recipients?.push(address);
      run('rcpt', session, [address], (error) => done(error ?? refusalOf(address, greylist())));
    },
    // A client can end the connection within a message.
    onData: (stream, session, done) => void receive(stream, session, done).catch(done),
  });

  /** Applies the fault of a step. */
  function run(
    phase: SmtpPhase,
    session: SMTPServerSession,
    recipients: readonly string[],
    done: Done,
  ): void {
    const fault = faultOf(phase, session, recipients);
    if (fault === null) done();
    else end(fault, session, done);
  }

  function faultOf(
    phase: SmtpPhase,
    session: SMTPServerSession,
    recipients: readonly string[],
  ): SmtpFault | null {
    const fault = simulation.drawSmtp(phase, recipients);
    const call = calls.get(session);
    if (call && fault) call.fault = fault.type;
    return fault;
  }

  /** Ends a step by a fault. A silent server never calls `done`. */
  function end({ reply, cut }: SmtpFault, session: SMTPServerSession, done: Done): void {
    if (cut) connectionOf(session)?._socket.destroy();
    else if (reply !== undefined) done(replyError(reply));
  }

  function connectionOf(session: SMTPServerSession): Connection | undefined {
    const connections = server.connections as unknown as Set<Connection>;
    return [...connections].find((connection) => connection.session.id === session.id);
  }

  /** smtp-server has no hook before its reply 354. */
  function refuseData(session: SMTPServerSession): void {
    const connection = connectionOf(session);
    if (!connection) return;
    const receiveData = connection.handler_DATA.bind(connection);
    connection.handler_DATA = (command, callback) => {
      const fault = faultOf('data', session, recipientsOf(session));
      if (fault === null) return receiveData(command, callback);
      end(fault, session, (error) => {
        connection.send((error as { responseCode?: number }).responseCode ?? 554, String(error?.message));
        callback();
      });
    };
  }

  async function receive(
    stream: Readable & { sizeExceeded?: boolean },
    session: SMTPServerSession,
    done: Done,
  ) {
    const recipients = recipientsOf(session);
    const interrupted = faultOf('body', session, recipients);
    const chunks: Buffer[] = [];
    stream.on('error', () => undefined);
    const call = calls.get(session);
    if (interrupted) {
      stream.once('data', (chunk: Buffer) => {
        if (call) call.client_ref = messageIdIn(chunk);
        end(interrupted, session, () => undefined);
      });
      return;
    }
    for await (const chunk of stream) chunks.push(chunk);
    const content = Buffer.concat(chunks);
    if (call) call.client_ref = messageIdIn(content);
    const reply: Done = (error) => {
      if (call) call.status = (error as { responseCode?: number } | undefined)?.responseCode ?? 250;
      done(error);
    };
    if (stream.sizeExceeded) return reply(replyError('552 5.3.4 The message is too large'));
    const fault = faultOf('end', session, recipients);
    if (fault === null || fault.accepted) accept(simulation, call, session, content);
    if (fault === null) reply();
    else end(fault, session, reply);
  }

  await new Promise<void>((resolve, reject) => {
    server.server.once('error', reject);
    server.listen(port, host, resolve);
  });
  // A client that goes away is no error of the server.
  server.on('error', () => undefined);
  return {
    port: (server.server.address() as AddressInfo).port,
    stop: () => {
      for (const connection of server.connections as unknown as Set<Connection>) connection._socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
