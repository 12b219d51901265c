import type { SMTPServerSession } from 'smtp-server';
import type { Simulation } from '../../simulation.ts';
import type { Call } from '../../store.ts';
import { messageIdIn } from './message.ts';

export function recipientsOf({ envelope }: SMTPServerSession): string[] {
  return envelope.rcptTo.map(({ address }) => address);
}

/** Stores a message with its envelope. The id of a repeated message has a number. */
export function accept(
  simulation: Simulation,
  call: Call | undefined,
  session: SMTPServerSession,
  content: Buffer,
): void {
  const { mailFrom } = session.envelope;
  const id = messageIdIn(content);
  const known = simulation.store
    .all('email')
    .filter((message) => message.id === id || message.id.startsWith(`${id}#`));
  const accepted = simulation.store.add({
    id: known.length === 0 ? id : `${id}#${known.length + 1}`,
    ...{ dialect: 'smtp', channel: 'email', idempotency_key: null },
    request: {
      from: mailFrom ? mailFrom.address : '',
      to: recipientsOf(session),
      secure: session.secure,
      user: session.user ?? null,
      // One character for each byte.
      raw: content.toString('latin1'),
    },
  });
  if (call) call.message_id = accepted.id;
}

/** Adds a transaction to the log of calls. Its status is that of the reply to the message or, without a message, null. */
export function logCall(simulation: Simulation): Call {
  const call: Call = {
    ...{ method: 'SMTP', path: '/', dialect: 'smtp', channel: 'email', has_credentials: true },
    ...{ idempotency_key: null, status_callback: null, client_ref: null, message_id: null },
    ...{ recipients: [], fault: null, status: null, at: Date.now() },
  };
  simulation.store.logCall(call);
  return call;
}
