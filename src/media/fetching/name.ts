import type { IncomingHttpHeaders } from 'node:http';
import { parse } from 'content-disposition';
import { fileNameOf } from '../file-name.ts';

const WITH_EXTENSION = /^[^.].*\.[a-z\d]{1,8}$/i;

/**
 * The name of a fetched file: of its response, as it was declared, or of the path of its URL; null for none.
 *
 * @param declared null if no name is declared.
 */
export function nameOf(headers: IncomingHttpHeaders, declared: string | null, source: string): string | null {
  return dispositionName(headers['content-disposition']) ?? declared ?? pathName(source);
}

function dispositionName(header: string | undefined): string | null {
  if (header === undefined) return null;
  try {
    return fileNameOf(parse(header).parameters.filename);
  } catch {
    return null;
  }
}

function pathName(source: string): string | null {
  const [last = ''] = new URL(source).pathname.split('/').slice(-1);
  try {
    const name = fileNameOf(decodeURIComponent(last));
    return name !== null && WITH_EXTENSION.test(name) ? name : null;
  } catch {
    return null;
  }
}
