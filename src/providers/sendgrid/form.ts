import { Busboy, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';

/** A part of a multipart form. */
export interface FormPart {
  filename: string | null;
  contentType: string | null;
  content: Buffer;
}

/** More than the fields and the files of any email. */
const LIMITS = { parts: 1_100, fieldNameSize: 200, headerPairs: 20 };

/**
 * The parts of a `multipart/form-data` body by their names; of several parts with one name, the first. Null if the body has another
 * form, or too many parts. Every part is read as bytes, because SendGrid names the charsets of the texts in a part of their own.
 */
export function readForm(
  contentType: string | undefined,
  body: Buffer,
): Promise<Map<string, FormPart> | null> {
  return new Promise((resolve) => {
    const parts = new Map<string, FormPart>();
    const form = create(contentType, body.length);
    if (form === null) return resolve(null);
    const fail = () => resolve(null);
    form.on('file', (name, stream, filename, _encoding, type) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.once('error', fail);
      stream.once('end', () => {
        const part = {
          filename: filename || null,
          contentType: type || null,
          content: Buffer.concat(chunks),
        };
        if (name && !parts.has(name)) parts.set(name, part);
      });
    });
    form.once('partsLimit', fail).once('error', fail);
    form.once('finish', () => resolve(parts.size > 0 ? parts : null));
    form.end(body);
  });
}

function create(contentType: string | undefined, size: number): BusboyInstance | null {
  if (!/^multipart\/form-data\s*;/i.test(contentType ?? '')) return null;
  try {
    return new Busboy({
      headers: { 'content-type': contentType } as BusboyHeaders,
      limits: { ...LIMITS, fileSize: size },
      isPartAFile: () => true,
    });
  } catch {
    return null;
  }
}
