import { createHash, randomUUID } from 'node:crypto';
import { seededRandom } from '../random.ts';

/** A file that a provider has. */
export interface ProviderFile {
  id: string;
  contentType: string;
  /** Null: the response has no `Content-Disposition`. */
  name: string | null;
  /** In bytes. */
  size: number;
  /** Hexadecimal. */
  sha256: string;
  /** Null if the content is generated. */
  content: Buffer | null;
  /** Whether the provider has deleted the file, so that every request for it is a 404. */
  isDeleted: boolean;
}

/** The body of `POST /_control/files`. */
export interface NewFile {
  content_type?: string;
  name?: string;
  /** Base64. */
  content?: string;
  /** In bytes: the content is generated. */
  size?: number;
}

/** A transparent pixel. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
const BLOCK_SIZE = 65_536;
const random = seededRandom(1);
const BLOCK = Buffer.from(Uint8Array.from({ length: BLOCK_SIZE }, () => Math.floor(random() * 256)));

/** The registered files, by id. */
export class Files {
  readonly #byId = new Map<string, ProviderFile>();

  add({ content_type = 'image/png', name, content, size }: NewFile): ProviderFile {
    const given = content === undefined ? null : Buffer.from(content, 'base64');
    const file = {
      ...createFile(content_type, size === undefined ? (given ?? PIXEL) : size),
      name: name ?? null,
    };
    this.#byId.set(file.id, file);
    return file;
  }

  /** The file, unless it is deleted. */
  get(id: unknown): ProviderFile | undefined {
    const file = this.#byId.get(String(id));
    return file?.isDeleted ? undefined : file;
  }

  all(): ProviderFile[] {
    return [...this.#byId.values()].filter(({ isDeleted }) => !isDeleted);
  }
}

/** A file of one pixel that is not registered. */
export function pixelFile(contentType: string): ProviderFile {
  return createFile(contentType, PIXEL);
}

/** The content in parts of at most 64 KiB. Generated content starts with the id, and takes no memory. */
export function* contentOf({
  id,
  content,
  size,
}: Pick<ProviderFile, 'id' | 'content' | 'size'>): Generator<Buffer, void> {
  if (content !== null) return void (yield content);
  const start = Buffer.from(id);
  if (size > 0) yield start.subarray(0, size);
  for (let sent = start.length; sent < size; sent += BLOCK_SIZE) yield BLOCK.subarray(0, size - sent);
}

/** @param content the bytes, or the size of generated content. */
function createFile(contentType: string, content: Buffer | number): ProviderFile {
  const id = randomUUID();
  const bytes =
    typeof content === 'number' ? { content: null, size: content } : { content, size: content.length };
  const hash = createHash('sha256');
  for (const part of contentOf({ id, ...bytes })) hash.update(part);
  return { ...bytes, id, contentType, name: null, sha256: hash.digest('hex'), isDeleted: false };
}
