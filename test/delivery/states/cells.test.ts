import { expect } from 'chai';
import { type Event, type State, TRANSITIONS } from '../../../src/delivery/states/table.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { Stage } from './stage.ts';

const STATES = Object.keys(TRANSITIONS) as State[];
const EVENTS = Object.keys(TRANSITIONS.queued) as Event[];

describe('The table of states', () => {
  let service: Harness;
  let stage: Stage;
  before(async () => {
    service = await startHarness({ ROLE: 'api' });
    stage = new Stage(service);
  });
  after(async () => {
    await stage.close();
    await service.stop();
  });

  for (const event of EVENTS)
    it(`has the state after the event ${event} in each state`, async () => {
      const channel = event === 'receipt_bounced' ? 'email' : 'sms';
      const actors = await Promise.all(STATES.map((state) => stage.place(state, event, channel)));
      await stage.cause(event, actors);
      const expected = STATES.map((state) => TRANSITIONS[state][event]);
      expect(named(await stage.statesOf(actors))).to.deep.equal(named(expected));
    });
});

function named(states: State[]): Record<string, State> {
  return Object.fromEntries(states.map((state, index) => [`from ${STATES[index]}`, state]));
}
