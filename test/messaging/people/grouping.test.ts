import { expect } from 'chai';
import fc from 'fast-check';
import type { Message } from '../../../sdk/src/index.ts';
import { storedFunction } from '../../../src/db/functions.ts';
import { inboundEmail, inboundSms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';

/** `make soak` sets SOAK_RUNS to 1,000. Half of the runs regroup in steps of one conversation. */
const RUNS = Math.ceil(Number(process.env.SOAK_RUNS ?? 4) / 2);
const ROUNDS = 10;
const PHONES = 5;
const EMAILS = 3;

/** A message between addresses, which are numbered; the phone numbers come first. */
interface Writing {
  outbound: boolean;
  from: number;
  to: number[];
  /** The number of concurrent copies of the request. */
  times: number;
  /** Whether the request is repeated in the next round. */
  repeated: boolean;
}
interface Linking {
  method: 'PUT' | 'DELETE';
  one: number;
  other: number;
}
/** Requests that are made concurrently. */
interface Round {
  writings: Writing[];
  linking: Linking | null;
}

/** A group text message to its own sender is 422. */
function isRefused({ outbound, from, to }: Writing): boolean {
  return outbound && from < PHONES && to.length > 1 && to.includes(from);
}

const among = (first: number, count: number): fc.Arbitrary<Writing> =>
  fc
    .record({
      outbound: fc.boolean(),
      from: fc.integer({ min: first, max: first + count - 1 }),
      to: fc.uniqueArray(fc.integer({ min: first, max: first + count - 1 }), { minLength: 1, maxLength: 2 }),
      times: fc.constantFrom(1, 1, 1, 3),
      repeated: fc.boolean(),
    })
    .filter((writing) => !isRefused(writing));
const address = fc.integer({ min: 0, max: PHONES + EMAILS - 1 });
const round: fc.Arbitrary<Round> = fc.record({
  writings: fc.array(fc.oneof(among(0, PHONES), among(PHONES, EMAILS)), { minLength: 4, maxLength: 4 }),
  linking: fc.option(
    fc.record({ method: fc.constantFrom('PUT', 'PUT', 'DELETE'), one: address, other: address }),
  ),
});

/** The expected state: the messages of each set of addresses, and the current links. */
class Model {
  readonly messages = new Map<string, Set<number>>();
  readonly links = new Set<string>();
  /** Deleted links. Repeating the deletion has no effect. */
  readonly unlinked = new Set<string>();

  add({ from, to }: Writing, id: number): void {
    const set = setOf([from, ...to]);
    this.messages.set(set, (this.messages.get(set) ?? new Set()).add(id));
  }

  personOf(start: number): number {
    const found = new Set([start]);
    for (const one of found) {
      for (const link of this.links) {
        const pair = link.split(',').map(Number);
        if (pair.includes(one)) for (const other of pair) found.add(other);
      }
    }
    return Math.min(...found);
  }

  shareConversation(one: number, other: number): boolean {
    const [person, otherPerson] = [this.personOf(one), this.personOf(other)];
    return [...this.messages.keys()].some((set) => {
      const people = set.split(',').map((member) => this.personOf(Number(member)));
      return people.includes(person) && people.includes(otherPerson);
    });
  }

  /** Sets of addresses grouped by their people. Each group is one conversation of the API. */
  conversations(): [string, string[]][] {
    const peopleOf = (set: string) => setOf(set.split(',').map((member) => this.personOf(Number(member))));
    return [...Map.groupBy(this.messages.keys(), peopleOf)];
  }
}

function setOf(members: number[]): string {
  return [...new Set(members)].sort((a, b) => a - b).join(',');
}

/** Makes each step regroup one conversation only. */
const SMALL_STEPS = [
  `alter function ${storedFunction('continue_regrouping')} rename to continue_regrouping_by`,
  `create function ${storedFunction('continue_regrouping')}(batch int, ids bigint[]) returns boolean language sql as $$
     select ${storedFunction('continue_regrouping_by')}(1, ids)
   $$`,
];

describe('The conversations of linked people equal those of a model', () => {
  describe('with regrouping in steps of the usual size', () => compareWithModel([]));
  describe('with regrouping in steps of one conversation', () => compareWithModel(SMALL_STEPS));
});

function compareWithModel(changes: string[]): void {
  let service: Harness;
  let run = 0;
  before(async () => {
    service = await startHarness({ ROLE: 'api' });
    for (const change of changes) await query(service.databaseUrl, change);
  });
  after(() => service.stop());

  const nameOf = (one: number) =>
    one < PHONES ? `+1201${String(run).padStart(6, '0')}${one}` : `p${one}@run${run}.example.com`;
  const get = async (path: string) => {
    const { status, body } = await service.request('GET', path);
    expect(status, `${path}: ${JSON.stringify(body)}`).to.equal(200);
    return body;
  };

  async function write({ outbound, from, to }: Writing, key: string): Promise<Message> {
    const channel = from < PHONES ? 'sms' : 'email';
    const addresses = { from: nameOf(from), to: to.map(nameOf) };
    const type = channel === 'sms' && { type: 'mms' };
    const answer = outbound
      ? await service.request(
          'POST',
          `/api/messages/${channel}`,
          { ...addresses, ...type, body: 'hi', send_at: '2999-01-01T00:00:00Z' },
          { 'idempotency-key': key },
        )
      : await service.request('POST', `/api/webhooks/${channel}`, {
          ...(channel === 'sms' ? inboundSms : inboundEmail),
          ...addresses,
          ...type,
          ...(channel === 'sms' ? { messaging_provider_id: key } : { xillio_id: key }),
        });
    expect(answer.status, JSON.stringify(answer.body)).to.equal(outbound ? 202 : 200);
    return answer.body;
  }

  async function idOf(one: number): Promise<number | undefined> {
    const { data } = await get(`/api/participants?address=${encodeURIComponent(nameOf(one))}`);
    return data[0]?.id;
  }

  /**
   * Sends a request to link or unlink. Returns a function that checks the response and updates the model when all
   * requests of the round have completed: the model does not determine whether a concurrent message came first.
   */
  async function link(model: Model, { method, one, other }: Linking): Promise<() => void> {
    const key = setOf([one, other]);
    const [id, otherId] = [await idOf(one), await idOf(other)];
    if (id === undefined || otherId === undefined) return () => undefined;
    const wasLinked = model.links.has(key);
    const onePerson = model.personOf(one) === model.personOf(other);
    const shareConversation = model.shareConversation(one, other);
    const { status, body } = await service.request(method, `/api/participants/${id}/links/${otherId}`);
    return () => {
      if (method === 'DELETE') {
        expect(status).to.equal(wasLinked || model.unlinked.has(key) ? 200 : 404);
        if (model.links.delete(key)) model.unlinked.add(key);
      } else if (one === other) expect(body.code).to.equal('link_to_self');
      else if (wasLinked) expect(status).to.equal(200);
      else if (onePerson) expect(body.code).to.equal('already_linked');
      else if (shareConversation) expect(body.code).to.equal('participants_share_conversation');
      else if (status === 200) model.links.add(key);
      else expect(model.shareConversation(one, other), JSON.stringify(body)).to.equal(true);
    };
  }

  async function compare(model: Model): Promise<void> {
    const seen = new Set<number>();
    for (const [people, sets] of model.conversations()) {
      const ids = sets.flatMap((set) => [...(model.messages.get(set) ?? [])]).sort((a, b) => a - b);
      const shownIn = new Set(
        await Promise.all(ids.map(async (id) => (await get(`/api/messages/${id}`)).conversation_id)),
      );
      expect([...shownIn], people).to.have.length(1);
      const [id] = [...shownIn] as [number];
      expect(seen.has(id), `${people} have their own conversation`).to.equal(false);
      seen.add(id);
      const conversation = await get(`/api/conversations/${id}`);
      expect(conversation).to.deep.include({ id, merged_into: null, message_count: ids.length });
      expect(conversation.last_message.id).to.equal(ids.at(-1));
      expect(conversation.last_message_at).to.equal(conversation.last_message.created_at);
      expect(conversation.merged_ids).to.have.length(sets.length - 1);
      for (const merged of conversation.merged_ids) expect(merged).to.be.greaterThan(id);
      const members = new Set(sets.flatMap((set) => set.split(',')).map((one) => nameOf(Number(one))));
      expect(conversation.participants.map((one: { address: string }) => one.address)).to.have.members([
        ...members,
      ]);
      const read: number[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page = await get(`/api/conversations/${id}/messages?limit=7${cursor && `&cursor=${cursor}`}`);
        read.push(...page.data.map((message: Message) => message.id));
        cursor = page.next_cursor;
      }
      expect(read).to.deep.equal(ids);
    }
  }

  it(`are equal after ${RUNS} runs of ${ROUNDS} rounds of concurrent messages and links`, async function () {
    this.timeout(0);
    await fc.assert(
      fc.asyncProperty(fc.array(round, { minLength: ROUNDS, maxLength: ROUNDS }), async (rounds) => {
        run++;
        const model = new Model();
        let repeats: (() => Promise<void>)[] = [];
        let highest = 0;
        for (const [number, { writings, linking }] of rounds.entries()) {
          const nextRepeats: (() => Promise<void>)[] = [];
          const repeated = repeats.map((repeat) => repeat());
          const linked = linking ? link(model, linking) : null;
          const written = writings.map(async (writing, index) => {
            const key = `run-${run}-${number}-${index}`;
            const answers = await Promise.all(
              Array.from({ length: writing.times }, () => write(writing, key)),
            );
            const id = (answers[0] as Message).id;
            expect(answers.map((answer) => answer.id)).to.deep.equal(answers.map(() => id));
            if (writing.repeated)
              nextRepeats.push(async () => {
                expect((await write(writing, key)).id).to.equal(id);
              });
            return { writing, id };
          });
          for (const { writing, id } of await Promise.all(written)) {
            // Messages of earlier rounds have smaller ids.
            expect(id).to.be.greaterThan(highest);
            model.add(writing, id);
          }
          highest = Math.max(highest, ...[...model.messages.values()].flatMap((ids) => [...ids]));
          (await linked)?.();
          await Promise.all(repeated);
          repeats = nextRepeats;
        }
        await compare(model);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  });
}
