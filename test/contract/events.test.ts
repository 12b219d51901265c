import { expect } from 'chai';
import { unwrapEvent } from '../../sdk/src/index.ts';
import { sign } from '../../src/simulator/dialects/standard/signature.ts';
import { faultsBy } from '../conformance/contract.ts';
import { type Harness, startHarness, webhookSecret } from '../support/harness.ts';
import { contractPath, type Draft, draftContract, readContract, writeContract } from './contract-file.ts';
import { descriptionOf, eventOf, TYPES } from './events/messages.ts';
import { ENVIRONMENT, renderedEvents } from './events/rendered.ts';
import { verify } from './verify.ts';

const SIDES = { consumer: 'event-receiver', provider: 'messaging-service' };

describe('The contract of the events', () => {
  let harness: Harness;
  let draft: Draft;
  before(async () => {
    draft = await draftContract(SIDES.consumer, SIDES.provider);
    harness = await startHarness({ ...ENVIRONMENT, TEXT_CO_WEBHOOK_SECRETS: webhookSecret });
  });
  after(async () => {
    await draft.remove();
    await harness?.stop();
  });

  for (const type of TYPES)
    it(`has ${descriptionOf(type)}, as openapi.yaml describes it, which a receiver can verify`, () =>
      draft.pact
        .addAsynchronousInteraction()
        .expectsToReceive(descriptionOf(type), (builder) => void builder.withJSONContent(eventOf(type)))
        .executeTest(async ({ contents: { content: event } }) => {
          expect(faultsBy({ $ref: '#/components/schemas/Event' }, event)).to.equal(null);
          const body = JSON.stringify(event);
          const headers = sign(webhookSecret, 'evt_42', Math.floor(Date.now() / 1_000), body);
          expect(await unwrapEvent({ body, headers }, webhookSecret)).to.deep.equal(event);
        }));

  it('is the committed file', async () => {
    const text = await draft.text();
    if (process.env.UPDATE_CONTRACTS) await writeContract(SIDES.consumer, SIDES.provider, text);
    const committed = await readContract(SIDES.consumer, SIDES.provider);
    expect(
      committed,
      `${contractPath(SIDES.consumer, SIDES.provider)}: UPDATE_CONTRACTS=1 make contracts`,
    ).to.equal(text);
  });

  it('is kept by an event of each type, as the service renders it', async () => {
    const events = await renderedEvents(harness);
    expect([...events.keys()]).to.have.members(TYPES);
    const messages = Object.fromEntries([...events].map(([type, event]) => [descriptionOf(type), event]));
    await verify({ ...SIDES, url: harness.url, states: {}, messages });
    const broken = { ...messages[descriptionOf('message.sent')], id: '42' };
    const refused = await verify({
      ...{ ...SIDES, url: harness.url, states: {} },
      messages: { ...messages, [descriptionOf('message.sent')]: broken },
    }).then(
      () => 'passed',
      ({ message }: Error) => message,
    );
    expect(refused).to.include(descriptionOf('message.sent')).and.not.equal('passed');
  }).timeout(60_000);
});
