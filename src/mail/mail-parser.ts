import PostalMime, { type PostalMimeOptions } from 'postal-mime';
import { charsetOf, withoutEmptyEscapes } from './charset.ts';
import { decodeHeader } from './encoded-words.ts';
import { textOfHtml } from './text-of-html.ts';

/** A part of an email as postal-mime has read it. */
interface MimeNode {
  state: 'header' | 'body' | 'finished';
  content: ArrayBuffer | null;
  parentNode?: MimeNode;
  contentType: {
    value: string;
    parsed: { value: string; params: Record<string, string> };
    multipart: string | false;
  };
  contentDisposition: { value: string; parsed: { value: string; params: Record<string, string> } };
  contentTransferEncoding: { encoding: string };
  parseStructuredHeader(value: string): { params: Record<string, string> };
}

type TextType = 'plain' | 'html';

/**
 * The internals of postal-mime on which this reader depends. They are not in its types, so package.json names one exact version,
 * and the tests of the corpus fail if they change.
 */
interface Internals {
  av: Uint8Array;
  buf: ArrayBuffer;
  readPos: number;
  currentNode: MimeNode;
  boundaries: { value: Uint8Array }[];
  textContent: Partial<Record<TextType, string>>;
  textMap: Map<MimeNode, Partial<Record<TextType, { value: string }[]>>>;
  attachments: { filename: string | null; content: ArrayBuffer | Uint8Array }[];
  readLine(): { bytes: Uint8Array; done: boolean };
  isInlineTextNode(node: MimeNode): boolean;
  collectAttachment(node: MimeNode, content: ArrayBuffer, ...more: unknown[]): void;
}

const Base = PostalMime as unknown as new (options: PostalMimeOptions) => PostalMime & Internals;

const LF = 0x0a;
const CR = 0x0d;
const DASH = 0x2d;
const BOUNDARY_LINE = Buffer.from('\n--');
/** Far more lines than the headers and boundaries of real emails have; each costs about 10 µs. */
const MAX_LINES = 50_000;
/** Max bytes of a boundary; RFC 2046 (section 5.1.1) allows 70. A longer one is no boundary. */
const MAX_BOUNDARY = 200;
/** Max multiparts of an email. Each line that may be a boundary is compared with all their boundaries. */
const MAX_BOUNDARIES = 1_000;

/** A percent-encoded escape sequence of ISO-2022-JP directly before another one, which may be in the next continuation. */
const EMPTY_ESCAPE = /%1b(?:[($]|%2[48])(?:[@BIJ]|%4[029a])(?=(?:"?\s*;\s*[\w-]+\*\d+\*\s*=\s*"?)?%1b)/gi;

/** Max characters of HTML in parts without text beside parts with text. */
const MAX_CONVERTED = 262_144;

/** An email has more headers or parts than this reader reads. */
export class TooManyLinesError extends Error {
  constructor() {
    super(
      `The email has more than ${MAX_LINES} lines of headers and boundaries, or ${MAX_BOUNDARIES} multiparts.`,
    );
  }
}

/**
 * postal-mime, with bodies read at once instead of line by line, which takes a minute and gigabytes for an email of many short
 * lines, and with its content whole: text files are files, and calendars keep their bytes.
 */
export class MailParser extends Base {
  #lines = 0;
  #all: Buffer | undefined;

  /** The next line of a header or a boundary, or the whole body of a part until the next boundary. */
  override readLine(): { bytes: Uint8Array; done: boolean } {
    this.#limitBoundaries();
    const { state } = this.currentNode;
    if (state === 'header' || this.#isBoundary(this.readPos)) {
      this.#countLine();
      return super.readLine();
    }
    const start = this.readPos;
    const next = this.#nextBoundary(start);
    this.readPos = next;
    let end = next;
    if (end > start && this.av[end - 1] === LF) end--;
    if (end > start && this.av[end - 1] === CR) end--;
    const body = Buffer.from(this.buf, start, end - start);
    const isQuotedPrintable = this.currentNode.contentTransferEncoding.encoding === 'quoted-printable';
    return {
      bytes: isQuotedPrintable ? withoutSoftBreaks(body) : new Uint8Array(this.buf, start, end - start),
      done: next >= this.av.length,
    };
  }

  /** The base class adds the boundary of a multipart after the last line of its headers. */
  #limitBoundaries(): void {
    while ((this.boundaries.at(-1)?.value.length ?? 0) > MAX_BOUNDARY) this.boundaries.pop();
    if (this.boundaries.length > MAX_BOUNDARIES) throw new TooManyLinesError();
  }

  #countLine(): void {
    if (++this.#lines > MAX_LINES) throw new TooManyLinesError();
  }

  /** The start of the next line that begins with an open boundary; the end of the email if there is none. */
  #nextBoundary(from: number): number {
    if (this.boundaries.length === 0) return this.av.length;
    const all = this.#bytes();
    for (let at = all.indexOf(BOUNDARY_LINE, from); at !== -1; at = all.indexOf(BOUNDARY_LINE, at + 1)) {
      if (this.#isBoundary(at + 1)) return at + 1;
      this.#countLine();
    }
    return this.av.length;
  }

  #bytes(): Buffer {
    this.#all ??= Buffer.from(this.buf);
    return this.#all;
  }

  #isBoundary(at: number): boolean {
    const { av } = this;
    if (av[at] !== DASH || av[at + 1] !== DASH) return false;
    const all = this.#bytes();
    const start = at + 2;
    return this.boundaries.some(({ value: { length }, value }) => {
      const end = start + length;
      return end <= all.length && all.compare(value, 0, length, start, end) === 0;
    });
  }

  /** A named text is a file, except as an alternative or as the whole email. */
  override isInlineTextNode(node: MimeNode): boolean {
    if (!super.isInlineTextNode(node)) return false;
    const { params } = node.contentType.parsed;
    const name = nameOf(node);
    const parent = node.parentNode?.contentType.multipart;
    if (name && parent !== undefined && parent !== 'alternative') return false;
    const content = Buffer.from(node.content ?? new ArrayBuffer(0));
    params.charset = charsetOf(params.charset, content);
    const decodable = withoutEmptyEscapes(content, params.charset);
    if (decodable !== content) node.content = new Uint8Array(decodable).buffer;
    return true;
  }

  /** Keeps the bytes of the file: postal-mime decodes calendars, and adds a line break to files that are not in Base64. */
  override collectAttachment(node: MimeNode, content: ArrayBuffer, ...more: unknown[]): void {
    super.collectAttachment(node, content, ...more);
    const hasAddedBreak = node.contentTransferEncoding.encoding !== 'base64' && content.byteLength > 0;
    const attachment = this.attachments.at(-1) as (typeof this.attachments)[number];
    attachment.content = hasAddedBreak ? content.slice(0, -1) : content;
    attachment.filename = nameOf(node);
  }

  /** Joins the texts, and the HTML. A part that has only one of the two is converted if other parts have the other one. */
  renderTextContent(): void {
    const parts = [...this.textMap.values()];
    let converted = 0;
    const convert = (html: string) => {
      const text = converted < MAX_CONVERTED ? textOfHtml(html) : '';
      converted += html.length;
      return text;
    };
    if (parts.some(({ plain }) => plain))
      this.textContent.plain = parts.map((part) => plainOf(part, convert)).join('\n');
    if (parts.some(({ html }) => html)) this.textContent.html = parts.map(htmlOf).join('\n');
  }
}

/** The name of a file, also in encoded words, which are not allowed there (RFC 2047, section 5) and are common. */
function nameOf(node: MimeNode): string | null {
  const { filename } = paramsOf(node, node.contentDisposition);
  const name = filename || paramsOf(node, node.contentType).name;
  return name ? decodeHeader(name) : null;
}

/** The parameters of a header, whose continuations (RFC 2231) postal-mime joins as they are. */
function paramsOf(node: MimeNode, { value, parsed }: MimeNode['contentDisposition']): Record<string, string> {
  const decodable = value.replace(EMPTY_ESCAPE, '');
  return decodable === value ? parsed.params : node.parseStructuredHeader(decodable).params;
}

type Texts = Partial<Record<TextType, { value: string }[]>>;

function plainOf({ plain, html = [] }: Texts, convert: (html: string) => string): string {
  return plain ? joined(plain) : joined(html.map(({ value }) => ({ value: convert(value) })));
}

function htmlOf({ plain = [], html }: Texts): string {
  return html ? joined(html) : joined(plain.map(({ value }) => ({ value: asHtml(value) })));
}

/** postal-mime has added a line break to each text that is not in Base64. */
function joined(texts: { value: string }[]): string {
  return texts.map(({ value }) => value.replace(/\r?\n$/, '')).join('\n');
}

function asHtml(text: string): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<div>${escaped.trimEnd().replace(/\r?\n/g, '<br>\n')}</div>`;
}

/** A line that ends with `=`, and spaces that a server has added, continues on the next line (RFC 2045, section 6.7). */
function withoutSoftBreaks(body: Buffer): Uint8Array {
  return Buffer.from(
    body
      .toString('latin1')
      .replace(/=[ \t]{0,100}\r?\n/g, '')
      .replace(/=$/, ''),
    'latin1',
  );
}
