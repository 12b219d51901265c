import { truncate } from '../text.ts';
import type { Alternative, Search } from './search-words.ts';

interface Part {
  sql: string;
  bindings: string[];
}

export interface Condition extends Part {
  /** Whether the index of the documents supports the condition. */
  isIndexed: boolean;
}

const wordsWith = (body: string) => `message_words(
  messages.type, messages."from", messages."to", messages.cc, messages.bcc, messages.subject, ${body})`;
const WORDS = wordsWith('messages.body');
/** Without the words of the body, which can be long. */
const ADDRESS_WORDS = wordsWith("''");
/** The words of a message; the column `document` is null for short messages. The same expression as in the index. */
const DOCUMENT = `coalesce(messages.document, message_document(${WORDS}))`;
/** The number of characters of a word in a document, as in `message_document` in SQL. */
const WORD_LENGTH = 500;

/**
 * The SQL condition for the messages that match. A document contains no positions, because PostgreSQL stores only the first of
 * a long text. Therefore, a search with a phrase also reads the words of the messages whose documents match.
 */
export function conditionOf({ alternatives }: Search): Condition {
  const hasPhrase = alternatives.some((one) => [...one.required, ...one.excluded].some(isPhrase));
  const queries = alternatives.map(documentQuery);
  const isIndexed = !queries.includes('');
  const indexed: Part[] = isIndexed
    ? [{ sql: `${DOCUMENT} @@ ?::tsquery`, bindings: [queries.join(' | ')] }]
    : [];
  const parts = hasPhrase ? [...indexed, textCondition(alternatives)] : indexed;
  return {
    sql: parts.map(({ sql }) => sql).join(' and '),
    bindings: parts.flatMap(({ bindings }) => bindings),
    isIndexed,
  };
}

/** A query that matches all documents of an alternative, and others if the alternative has a phrase; empty if all match. */
function documentQuery({ required, excluded }: Alternative): string {
  const lexeme = (word: string) => `'${truncate(word, WORD_LENGTH)}'`;
  return [
    ...required.flatMap((phrase) => phrase.split(' ').map(lexeme)),
    ...excluded.filter((phrase) => !isPhrase(phrase)).map((word) => `!${lexeme(word)}`),
  ].join(' & ');
}

/** The planner evaluates these subqueries last, because they cost more than the test of the document. */
function textCondition(alternatives: Alternative[]): Part {
  const sql = alternatives.map(({ required, excluded }) => {
    const tests = [
      ...required.map(() => 'strpos(words, ?) > 0'),
      ...excluded.map(() => 'strpos(words, ?) = 0'),
    ];
    return `(${tests.join(' and ')})`;
  });
  const bindings = alternatives.flatMap(({ required, excluded }) => [...required, ...excluded]);
  const test = (words: string): Part => ({
    sql: `(select ${sql.join(' or ')} from (select ${words} as words offset 0) as normalized)`,
    bindings: bindings.map((phrase) => ` ${phrase} `),
  });
  const whole = test(WORDS);
  if (alternatives.some(({ excluded }) => excluded.length > 0)) return whole;
  const addresses = test(ADDRESS_WORDS);
  return { sql: `(${addresses.sql} or ${whole.sql})`, bindings: [...addresses.bindings, ...whole.bindings] };
}

function isPhrase(phrase: string): boolean {
  return phrase.includes(' ');
}
