import { expect } from 'chai';
import { ConflictError, createClient, type Message } from '../../sdk/src/index.ts';
import { rejection } from './support.ts';

interface Sent {
  method: string;
  path: string;
  key: string | null;
  body: string;
}

/** A client whose requests are recorded and answered with the given response. */
function recording(status: number, answer: unknown) {
  const sent: Sent[] = [];
  const client = createClient({
    baseUrl: 'https://messaging.example.com',
    fetch: async (request) => {
      const { method, headers } = request;
      const path = new URL(request.url).pathname;
      sent.push({ method, path, key: headers.get('idempotency-key'), body: await request.text() });
      return Response.json(answer, { status });
    },
  });
  return { client, sent };
}

describe('Cancel and retry in the SDK', () => {
  for (const [decision, status] of [
    ['cancel', 200],
    ['retry', 202],
  ] as const) {
    it(`${decision} is a POST without a body and with an Idempotency-Key`, async () => {
      const { client, sent } = recording(status, { id: 7 });
      const message: Message = await client.messages[decision](7);
      expect(message).to.deep.equal({ id: 7 });
      await client.messages[decision](7, { idempotencyKey: 'mine' });
      expect(sent.map(({ method, path, body }) => [method, path, body])).to.deep.equal([
        ['POST', `/api/messages/7/${decision}`, ''],
        ['POST', `/api/messages/7/${decision}`, ''],
      ]);
      expect(sent[0]?.key).to.match(/^[0-9a-f-]{36}$/);
      expect(sent[1]?.key).to.equal('mine');
    });
  }

  it('a status that does not allow the action is a ConflictError with the code of the service', async () => {
    const problem = {
      type: 'about:blank',
      title: 'Conflict',
      status: 409,
      detail: 'Message 7 is delivered and cannot be canceled.',
      code: 'not_cancelable',
      request_id: 'r1',
    };
    const { client, sent } = recording(409, problem);
    const error = await rejection(client.messages.cancel(7));
    expect(error).to.be.instanceOf(ConflictError).and.include({ code: 'not_cancelable', requestId: 'r1' });
    expect(sent).to.have.length(1);
  });
});
