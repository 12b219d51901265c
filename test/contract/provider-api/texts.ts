import { MatchersV3 } from '@pact-foundation/pact';
import { filesAt } from '../../support/provider-server.ts';
import { link, phone, time } from '../shapes.ts';
import { answers, lookUps, outgoing, refusedRecipient, sending, taken } from './adapter.ts';

const { eachLike, string } = MatchersV3;

export function texts() {
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
        message: outgoing({ type: 'mms', from, to, files: filesAt(picture) }),
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
