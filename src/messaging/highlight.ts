import { type AnyQueryBuilder, raw } from 'objection';
import type { Schema } from '../openapi/types.ts';
import { type PresentableMessage, presentable, presentMessage } from './present.ts';
import { QUERY, type Search } from './search.ts';

export interface FoundMessage extends PresentableMessage {
  /** The sender, the recipients, the copies. */
  found_in_addresses?: [string, ...string[]];
  found_in_subject?: string | null;
  found_in_body?: string;
}

/** Marks that no text has: control characters, taken out of it beforehand. */
const [START, STOP] = ['\u0001', '\u0002'];
const MARKS = `StartSel=${START}, StopSel=${STOP}`;
/** The words of a search, as they are in a message's document. */
const LEXEMES = `tsvector_to_array(to_tsvector('simple', ?))`;

/** Selects a message as `presentMessage` shows it, with what a search found in it marked. */
export function highlighted(search: Search): (messages: AnyQueryBuilder) => void {
  const words = search.join(' ');
  const subject = headline('messages.subject', 'HighlightAll=true');
  const body = headline(`message_excerpt(messages.body, ${QUERY}, ${LEXEMES})`, 'MaxWords=35, MinWords=15');
  return (messages) => {
    presentable(messages);
    messages
      .select(raw(`${ADDRESSES} as found_in_addresses`, [...search, words, ...search]))
      .select(raw(`${subject} as found_in_subject`, search))
      .select(raw(`${body} as found_in_body`, [...search, words, ...search]));
  };
}

function headline(expression: string, options: string): string {
  const text = `translate(${expression}, '${START}${STOP}', '')`;
  return `ts_headline('simple', ${text}, ${QUERY}, '${MARKS}, ${options}')`;
}

/**
 * An email address is found as a whole or by its parts, as `message_document` has them; there is no space in one. An
 * address that has none of the words in it is not looked at any closer.
 */
const ADDRESSES = `(
  select array_agg(
    case
      when strpos(address, '@') = 0 or strpos(whole, '${START}') > 0 or not has_word then whole
      else translate(${headline("translate(address, '@', ' ')", 'HighlightAll=true')}, ' ', '@')
    end order by position)
  from unnest(messages."from" || messages."to" || messages.cc) with ordinality as addresses (address, position)
  cross join lateral (
    select exists (
      select from unnest(${LEXEMES}) as words (word) where strpos(lower(address), word) > 0
    ) as has_word offset 0
  ) as looked
  cross join lateral (
    select case when has_word then ${headline('address', 'HighlightAll=true')} else address end as whole
  ) as found)`;

/** A message as the contract shows it, with what was found in it marked. */
export function presentFound(row: FoundMessage): Schema<'Message'> {
  const { found_in_addresses, found_in_subject, found_in_body, ...stored } = row;
  const message = presentMessage(stored);
  if (found_in_addresses === undefined || found_in_body === undefined) return message;
  const [from, ...others] = found_in_addresses.map(toHtml) as [string, ...string[]];
  return {
    ...message,
    highlight: {
      from,
      to: others.slice(0, row.to.length),
      ...(row.cc && { cc: others.slice(row.to.length) }),
      ...(found_in_subject != null && { subject: toHtml(found_in_subject) }),
      body: toHtml(found_in_body),
    },
  };
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function toHtml(marked: string): string {
  return marked
    .replace(/[&<>"']/g, (character) => ENTITIES[character] as string)
    .replaceAll(START, '<mark>')
    .replaceAll(STOP, '</mark>');
}
