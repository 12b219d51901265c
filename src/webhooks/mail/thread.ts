import type pg from 'pg';
import { execute } from '../../db/transaction.ts';
import type { ParsedMail } from '../../mail/parsed-mail.ts';
import { baseSubject } from '../../mail/subject.ts';

/** Max ids of `References` that are looked up; the last ones are the nearest. */
const MAX_REFERENCES = 100;

/** Our own emails first, because a Message-ID is not unique and ours are not guessed; then the newest. */
const FIND = {
  name: 'find-answered-emails',
  text: `
    select internet_message_id as known_id, messages.id, subject
    from email_message_ids join messages on messages.id = message_id
    where internet_message_id = any($1)
    order by direction = 'outbound' desc, messages.id desc
    limit 1000`,
};

interface Found extends pg.QueryResultRow {
  known_id: string;
  id: number;
  subject: string | null;
}

/**
 * The id of the message that an email answers: by `In-Reply-To` alone, or by the nearest of `References` with the same subject,
 * because people write about other matters in an old thread. Null if there is none.
 */
export async function findAnswered(
  pool: pg.Pool,
  { inReplyTo, references, subject }: Pick<ParsedMail, 'inReplyTo' | 'references' | 'subject'>,
): Promise<number | null> {
  const nearest = references.slice(-MAX_REFERENCES).reverse();
  const ids = [...new Set([...inReplyTo, ...nearest])];
  if (ids.length === 0) return null;
  const { rows } = await execute<Found>(pool, FIND, [ids]);
  const direct = rows.find(({ known_id }) => inReplyTo.includes(known_id));
  if (direct) return direct.id;
  const base = baseSubject(subject);
  for (const id of nearest) {
    const found = rows.find((row) => row.known_id === id && baseSubject(row.subject) === base);
    if (found) return found.id;
  }
  return null;
}
