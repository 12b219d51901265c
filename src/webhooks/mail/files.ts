import type pg from 'pg';
import { execute } from '../../db/transaction.ts';
import type { ParsedMail } from '../../mail/parsed-mail.ts';
import { fileNameOf } from '../../media/file-name.ts';
import type { MediaStore } from '../../media/store.ts';
import { mediaTypeOf } from '../../media/types.ts';
import { MEDIA_COLUMNS } from '../../media/view.ts';
import type { MediaName } from '../../messaging/email/attachments.ts';
import type { StoredMedia } from '../../messaging/named-media.ts';

/** The type of a file that declares none. */
const UNKNOWN_TYPE = 'application/octet-stream';
const RAW = { contentType: 'message/rfc822', name: null };

const INSERT = {
  name: 'insert-mail-media',
  text: `
    insert into media (state, object_id, content_type, size, sha256, name, account)
    values ('stored', $1, $2, $3, $4, $5, $6)
    returning ${MEDIA_COLUMNS.join(', ')}`,
};

/** Also after an error, since the message may be recorded without a response. */
const REMOVE_UNUSED = {
  name: 'remove-mail-media',
  text: `
    delete from media where id = any($1)
      and not exists (select from message_media where media_id = media.id)
      and not exists (select from emails where raw_media_id = media.id)
    returning object_id`,
};

/** The stored files of an email that is not recorded yet. */
export interface MailMedia {
  media: StoredMedia[];
  names: MediaName[];
  /** The email as it arrived; null if the provider does not report it. */
  raw: number | null;
}

interface Stores {
  pool: pg.Pool;
  store: MediaStore;
}

/** Stores the files of an email, and the email as it arrived. A message must then name them, or `removeFiles` remove them. */
export async function storeFiles(
  stores: Stores,
  account: string,
  { files }: ParsedMail,
  raw: Buffer | null,
): Promise<MailMedia> {
  const stored: MailMedia = { media: [], names: [], raw: null };
  try {
    for (const { content, contentType, name, contentId, disposition } of files) {
      const described = {
        contentType: mediaTypeOf(contentType ?? undefined) ?? UNKNOWN_TYPE,
        name: fileNameOf(name),
      };
      stored.media.push(await storeFile(stores, account, content, described));
      stored.names.push({ name: null, contentId: disposition === 'inline' ? contentId : null });
    }
    if (raw) stored.raw = (await storeFile(stores, account, raw, RAW)).id;
  } catch (error) {
    await removeFiles(stores, stored);
    throw error;
  }
  return stored;
}

async function storeFile(
  { pool, store }: Stores,
  account: string,
  content: Buffer,
  { contentType, name }: { contentType: string; name: string | null },
): Promise<StoredMedia> {
  const { id, size, sha256 } = await store.write(once(content));
  const { rows } = await execute<StoredMedia>(pool, INSERT, [id, contentType, size, sha256, name, account]);
  return rows[0] as StoredMedia;
}

/** Removes the files of an email that no message names. If this fails, they are collected later (`media/collect.ts`). */
export async function removeFiles({ pool, store }: Stores, { media, raw }: MailMedia): Promise<void> {
  const ids = [...media.map(({ id }) => id), ...(raw === null ? [] : [raw])];
  if (ids.length === 0) return;
  try {
    const { rows } = await execute<{ object_id: string }>(pool, REMOVE_UNUSED, [ids]);
    await store.remove(rows.map(({ object_id }) => object_id));
  } catch {
    // The media have no message.
  }
}

async function* once(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}
