import { MatchersV3 } from '@pact-foundation/pact';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { describeContract } from './agreement.ts';
import { answers, KEY, lookUps, outgoing, refusedRecipient, sending } from './provider-api.ts';
import { filled, link, mailbox, phone, time } from './shapes.ts';
import { simulatorStates } from './simulator-states.ts';
import { verify } from './verify.ts';

const { eachLike, matchStatus, string } = MatchersV3;

describe('What the service asks of the providers', () => {
  let simulator: Simulator;
  before(async () => {
    simulator = await startSimulator({ apiKey: KEY, settings: { receipts: { enabled: false } } });
  });
  after(() => simulator.stop());

  const isKept = (provider: string) => () =>
    verify({
      consumer: 'messaging-service',
      provider,
      url: simulator.url,
      states: simulatorStates(simulator.url, KEY),
    });
  describeContract('messaging-service', 'sms-provider', texts(), isKept('sms-provider'));
  describeContract('messaging-service', 'email-provider', emails(), isKept('email-provider'));
});

/** What is read of the answer: that it is a success, and the id. */
function taken(id: string) {
  const status = matchStatus(202, MatchersV3.HTTPResponseStatusClass.Success);
  return { status, body: { id: filled(id) } };
}

function texts() {
  const from = '+12016661234';
  const to = ['+18045551234'];
  const plain = {
    channel: 'sms' as const,
    message: outgoing({ type: 'sms', from, to }),
    body: {
      from: phone(from),
      to: phone('+18045551234'),
      type: 'sms',
      body: string('Hello!'),
      attachments: [],
      timestamp: time(),
    },
    outcome: { outcome: 'accepted' as const, providerMessageId: 'sms_1' },
  };
  const response = taken('sms_1');
  const picture = 'https://example.com/image.jpg';
  const group = [...to, '+18045550000'];
  const refused = '+18045550009';
  return [
    sending(plain, { is: 'a request to send an SMS', response }),
    sending(
      {
        ...plain,
        message: outgoing({ type: 'mms', from, to, attachments: [picture] }),
        body: { ...plain.body, type: 'mms', attachments: eachLike(link(picture)) },
      },
      { is: 'a request to send an MMS', response },
    ),
    sending(
      {
        ...plain,
        message: outgoing({ type: 'mms', from, to: group }),
        body: { ...plain.body, type: 'mms', to: group.map(phone) },
      },
      { is: 'a request to send a group MMS', response },
    ),
    ...answers('sms', plain, {
      ...plain,
      message: outgoing({ type: 'sms', from, to: [refused] }),
      body: { ...plain.body, to: refusedRecipient(refused) },
    }),
    ...lookUps('sms'),
  ];
}

function emails() {
  const from = 'user@usehatchapp.com';
  const to = ['contact@gmail.com'];
  const html = 'Hello! This is a test email message with <b>HTML</b> formatting.';
  const plain = {
    channel: 'email' as const,
    message: outgoing({ type: 'email', from, to, body: html }),
    body: {
      from: mailbox(from),
      to: mailbox('contact@gmail.com'),
      body: string(html),
      attachments: [],
      timestamp: time(),
    },
    outcome: { outcome: 'accepted' as const, providerMessageId: 'eml_1' },
  };
  const response = taken('eml_1');
  const file = 'https://example.com/document.pdf';
  const group = [...to, 'ada@example.com'];
  const refused = 'nobody@example.com';
  return [
    sending(plain, { is: 'a request to send an email with HTML', response }),
    sending(
      {
        ...plain,
        message: outgoing({
          type: 'email',
          from,
          to: group,
          cc: ['team@usehatchapp.com'],
          bcc: ['archive@usehatchapp.com'],
          reply_to: 'help@usehatchapp.com',
          subject: 'Thursday',
          body: html,
          attachments: [file],
        }),
        body: {
          ...plain.body,
          to: group.map(mailbox),
          cc: eachLike(mailbox('team@usehatchapp.com')),
          bcc: eachLike(mailbox('archive@usehatchapp.com')),
          reply_to: mailbox('help@usehatchapp.com'),
          subject: string('Thursday'),
          attachments: eachLike(link(file)),
        },
      },
      { is: 'a request to send an email to several, with copies, a subject and attachments', response },
    ),
    ...answers('email', plain, {
      ...plain,
      message: outgoing({ type: 'email', from, to: [refused], body: html }),
      body: { ...plain.body, to: refusedRecipient(refused) },
    }),
    ...lookUps('email'),
  ];
}
