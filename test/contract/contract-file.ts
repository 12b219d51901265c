import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PactV4 } from '@pact-foundation/pact';

/** A contract as its file has it; only what is looked at here is typed. */
export interface Contract {
  consumer: { name: string };
  provider: { name: string };
  interactions: { description: string; providerStates?: { name: string }[] }[];
}

/** Where the committed contract of two sides is. */
export function contractPath(consumer: string, provider: string): string {
  return `contracts/${consumer}-${provider}.json`;
}

/** As it is committed. */
export async function readContract(consumer: string, provider: string): Promise<string> {
  return await readFile(contractPath(consumer, provider), 'utf8').catch(() => '');
}

export interface Draft {
  pact: PactV4;
  /** What was recorded so far, as the text of its file. */
  text(): Promise<string>;
  remove(): Promise<void>;
}

/** A contract that is being recorded, in a temporary directory of its own. */
export async function draftContract(consumer: string, provider: string): Promise<Draft> {
  const dir = await mkdtemp(join(tmpdir(), 'contract-'));
  return {
    pact: new PactV4({ consumer, provider, dir, logLevel: 'error' }),
    text: async () => normalised(await readFile(join(dir, `${consumer}-${provider}.json`), 'utf8')),
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}

export async function writeContract(consumer: string, provider: string, text: string): Promise<void> {
  await writeFile(contractPath(consumer, provider), text);
}

/** Without the versions of the tools that wrote it, and in one order: it changes only where what is agreed does. */
function normalised(text: string): string {
  const contract = JSON.parse(text);
  const { pactSpecification } = contract.metadata;
  const interactions = contract.interactions.toSorted((one: Described, other: Described) =>
    one.description < other.description ? -1 : 1,
  );
  for (const interaction of interactions) {
    const { request, response } = interaction;
    (request ? [request, response] : [interaction]).forEach(requireTexts);
  }
  return `${JSON.stringify(sorted({ ...contract, interactions, metadata: { pactSpecification } }), null, 2)}\n`;
}

interface Rule {
  matchers: { match: string }[];
}

/**
 * Pact converts a value to text before it compares the value with a pattern, so that a number passes. A value in a body
 * that has a pattern must be a text, as its example is.
 */
function requireTexts({ matchingRules = {} }: { matchingRules?: { body?: Record<string, Rule> } }): void {
  for (const { matchers } of Object.values(matchingRules.body ?? {})) {
    if (matchers.some(({ match }) => match === 'regex')) matchers.unshift({ match: 'type' });
  }
}

type Described = Contract['interactions'][number];

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
