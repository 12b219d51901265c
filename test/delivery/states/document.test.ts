import { readFile, writeFile } from 'node:fs/promises';
import { expect } from 'chai';
import { storedFunction } from '../../../src/db/functions.ts';
import { type Event, type State, TRANSITIONS } from '../../../src/delivery/states/table.ts';
import { createMigratedDatabase, query } from '../../support/database.ts';

const FILE = 'docs/states.md';
const GENERATED = /(<!-- transitions -->\n)[\s\S]*(<!-- end -->)/;
const STATES = Object.keys(TRANSITIONS) as State[];
const EVENTS = Object.keys(TRANSITIONS.queued) as Event[];
const FINAL: State[] = ['delivered', 'undelivered', 'failed'];

describe('docs/states.md', () => {
  let url: string;
  before(async () => {
    url = await createMigratedDatabase();
  });

  it('has the table of states of the code', async () => {
    const text = await readFile(FILE, 'utf8');
    const current = text.replace(GENERATED, `$1\n${markdown()}\n\n$2`);
    if (process.env.UPDATE_STATES) await writeFile(FILE, current);
    else expect(text, 'run with UPDATE_STATES=1 to update the table').to.equal(current);
  });

  it('names every state and every event of the table', async () => {
    const text = await readFile(FILE, 'utf8');
    for (const name of [...STATES, ...EVENTS])
      expect(text, name).to.include(name.startsWith('receipt_') ? name : `\`${name}\``);
  });

  it('has the words of receipts that change a message, as reported_status reads them', async () => {
    const words = await rowsOf('receipt_');
    for (const [event = '', list = ''] of words) {
      const reported = event.startsWith('`receipt_other') ? null : /receipt_(\w+)/.exec(event)?.[1];
      for (const [, word] of list.matchAll(/`(\w+)`/g)) {
        const [row] = await query<{ status: string | null }>(
          url,
          `select ${storedFunction('reported_status')}($1) as status`,
          [word],
        );
        expect(row?.status, word).to.equal(reported);
      }
    }
    expect(words).to.have.length(5);
  });

  it('has the statuses of messages for each combination of statuses of three recipients', async () => {
    const rules = await rowsOf('(one or more|all|any other)');
    const all = ['sent', ...FINAL];
    const combinations = all.flatMap((a) => all.flatMap((b) => all.map((c) => [a, b, c])));
    for (const statuses of combinations) {
      const rule = rules.find(([condition = '']) => {
        const status = /`(\w+)`/.exec(condition)?.[1] ?? '';
        if (condition.startsWith('one')) return statuses.includes(status);
        return condition.startsWith('all') ? statuses.every((own) => own === status) : true;
      });
      const [row] = await query<{ status: string }>(
        url,
        `select ${storedFunction('summary_status')}($1) as status`,
        [statuses],
      );
      expect(`\`${row?.status}\``, statuses.join(', ')).to.equal(rule?.[1]);
    }
    expect(rules).to.have.length(4);
  });
});

/** The cells of the rows of the tables outside the generated table whose first cell starts like this. */
async function rowsOf(start: string): Promise<string[][]> {
  const text = (await readFile(FILE, 'utf8')).replace(/^[\s\S]*<!-- end -->/, '');
  return text
    .split('\n')
    .filter((line) => new RegExp(`^\\| \`?${start}`).test(line))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

function markdown(): string {
  const row = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [
    row(['event', ...STATES.map((state) => `\`${state}\``)]),
    row(['---', ...STATES.map(() => '---')]),
    ...EVENTS.map((event) =>
      row([`\`${event}\``, ...STATES.map((state) => cell(state, TRANSITIONS[state][event]))]),
    ),
  ].join('\n');
}

function cell(from: State, to: State): string {
  return from === to ? '·' : `\`${to}\``;
}
