import { readFileSync } from 'node:fs';

const FOLDER = new URL('../webhooks/mail/corpus/', import.meta.url);

/** An email of the corpus and the parts that it must have, which were written beside the email and not read from it. */
export interface CorpusMail {
  /** The name of the file, without `.eml`. */
  file: string;
  subject: string | null;
  text: string | null;
  stripped_text: string | null;
  html: boolean;
  auto_reply: boolean;
  files: { name: string | null; type: string; size: number; disposition: string }[];
  from?: string;
  references?: string[];
  headers?: Record<string, string>;
  bounce?: { message_ids: string[]; failed: [string, string, string, string | null][] } | null;
  /** The MIME is so broken that the text is only known to contain `Hello`. */
  any_text?: true;
}

/** The emails of the corpus. */
export function corpus(): (CorpusMail & { raw: Buffer })[] {
  const index = JSON.parse(readFileSync(new URL('index.json', FOLDER), 'utf8')) as CorpusMail[];
  return index.map((mail) => ({ ...mail, raw: readFileSync(new URL(`${mail.file}.eml`, FOLDER)) }));
}
