import { decodeText } from '../../mail/charset.ts';
import type { MailFile, ParsedMail } from '../../mail/parsed-mail.ts';
import { contentIdsIn, readMail } from '../../mail/read-mail.ts';
import { fileOf } from '../email/inbound.ts';
import { isObject, type JsonObject, textOf } from '../email/json.ts';
import type { FormPart } from './form.ts';

type Form = ReadonlyMap<string, FormPart>;

/**
 * An email in the parts of Inbound Parse: the headers as they were written, the texts in the charsets of the email, and the files.
 *
 * @throws {UnreadableMailError} if the headers are beyond the bounds of the reader of emails.
 */
export async function readParts(form: Form): Promise<ParsedMail> {
  const headers = form.get('headers')?.content ?? Buffer.alloc(0);
  const mail = await readMail(Buffer.concat([trimEnd(headers), Buffer.from('\r\n\r\n')]));
  const html = textIn(form, 'html');
  return {
    ...mail,
    from: mail.from ?? textIn(form, 'from'),
    subject: mail.subject ?? textIn(form, 'subject'),
    text: textIn(form, 'text'),
    html,
    files: filesIn(form, contentIdsIn(html)),
  };
}

/** A text of the form, in the charset that `charsets` names for it; null if it is empty. */
export function textIn(form: Form, name: string): string | null {
  const content = form.get(name)?.content;
  if (!content) return null;
  const declared = name === 'charsets' ? null : textOf(jsonIn(form, 'charsets')?.[name]);
  const text = decodeText(content, declared ?? undefined)
    .replaceAll('\0', '')
    .toWellFormed();
  return textOf(text);
}

/** An object that the form has as JSON; null for any other value. */
export function jsonIn(form: Form, name: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(form.get(name)?.content.toString() ?? '');
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function trimEnd(headers: Buffer): Buffer {
  let end = headers.length;
  while (end > 0 && (headers[end - 1] as number) <= 0x20) end--;
  return headers.subarray(0, end);
}

/** The files `attachment1`, `attachment2`, …, with the names and types of `attachment-info` and the ids of `content-ids`. */
function filesIn(form: Form, shown: ReadonlySet<string>): MailFile[] {
  const info = jsonIn(form, 'attachment-info');
  const ids = Object.entries(jsonIn(form, 'content-ids') ?? {});
  const names = [...form.keys()].filter((name) => /^attachment\d{1,4}$/.test(name));
  const inOrder = names.sort((one, other) => Number(one.slice(10)) - Number(other.slice(10)));
  return inOrder.map((key) => {
    const { filename, contentType, content } = form.get(key) as FormPart;
    const described = isObject(info?.[key]) ? info[key] : {};
    const contentId = ids.find(([, name]) => name === key)?.[0] ?? textOf(described['content-id']);
    return fileOf(shown, {
      name: textOf(described.filename) ?? textOf(described.name) ?? filename,
      contentType: textOf(described.type) ?? contentType,
      ...{ contentId, content },
    });
  });
}
