import { MatchersV3 } from '@pact-foundation/pact';
import { sms } from '../../support/bodies.ts';
import type { Interaction } from '../agreement.ts';
import { time } from '../shapes.ts';
import { call, IDS } from './call.ts';
import { participant } from './resources.ts';

const { eachLike, integer } = MatchersV3;
const { id, other_id } = IDS;

export function participants(): Interaction[] {
  const given: Interaction['given'] = ['two participants are not linked'];
  const linked = { participant_id: integer(other_id), linked_at: time(), unlinked_at: null };
  return [
    call({
      is: 'a look-up of a participant by its address',
      given,
      operation: 'GET /api/participants',
      query: { address: sms.to },
      response: { status: 200, body: { data: [participant()], next_cursor: null } },
      calls: ({ participants }) => participants.list({ address: sms.to }),
    }),
    call({
      is: 'a request for a participant',
      given,
      operation: 'GET /api/participants/{id}',
      response: { status: 200, body: participant() },
      calls: ({ participants }) => participants.get(id),
    }),
    call({
      is: 'a name and an external id for a participant',
      given,
      operation: 'PATCH /api/participants/{id}',
      body: { name: 'Ada Lovelace', external_id: 'user-1842' },
      response: { status: 200, body: participant({ name: 'Ada Lovelace', external_id: 'user-1842' }) },
      calls: ({ participants }) =>
        participants.update(id, { name: 'Ada Lovelace', external_id: 'user-1842' }),
    }),
    call({
      is: 'a link of two participants',
      given,
      operation: 'PUT /api/participants/{id}/links/{other_id}',
      response: { status: 200, body: participant({ links: [linked] }) },
      calls: ({ participants }) => participants.link(id, other_id),
    }),
    call({
      is: 'the end of a link of two participants',
      given: ['two participants are linked'],
      operation: 'DELETE /api/participants/{id}/links/{other_id}',
      response: { status: 200, body: participant({ links: eachLike({ ...linked, unlinked_at: time() }) }) },
      calls: ({ participants }) => participants.unlink(id, other_id),
    }),
  ];
}
