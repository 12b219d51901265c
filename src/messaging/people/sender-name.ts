import type pg from 'pg';
import { execute } from '../../db/transaction.ts';
import { decodeHeader } from '../../mail/encoded-words.ts';
import type { AddressParser } from '../address.ts';
import { cleanDisplayName, splitNamedMailboxes } from '../email-address.ts';
import { firstText } from '../recording/inbound-addresses.ts';
import type { NewMessage } from '../recording/new-message.ts';
import { toStorable } from '../storable.ts';
import { toOneLine, trimInvisible, truncate } from '../text.ts';

/** The limit of the contract. */
const MAX_NAME = 200;

const SET_NAME = {
  name: 'set-sender-name',
  text: 'update participants set name = $2, updated_at = now() where address = $1 and name is null',
};

/**
 * Gives the sender of a recorded email the display name of its `From`, unless the sender has a name, which a client may have set. A
 * repeat changes nothing.
 *
 * @param from the header of the email.
 */
export async function nameSender(
  pool: pg.Pool,
  parse: AddressParser,
  { sender }: Pick<NewMessage, 'sender'>,
  from: unknown,
): Promise<void> {
  const name = sender.type === 'email' ? senderName(parse, sender.key, from) : null;
  if (name !== null) await execute(pool, SET_NAME, [sender.key, name]);
}

/** Null for no name, and for a name that looks like an address, which can be that of another person. */
function senderName(parse: AddressParser, key: string, from: unknown): string | null {
  const mailbox = splitNamedMailboxes(firstText(from)).find(({ address }) => parse(address)?.key === key);
  const decoded = cleanDisplayName(toOneLine(toStorable(decodeHeader(mailbox?.name ?? ''))));
  const name = trimInvisible(truncate(decoded ?? '', MAX_NAME));
  return name === '' || name.includes('@') ? null : name;
}
