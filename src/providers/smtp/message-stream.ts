import { Readable } from 'node:stream';

const CHUNK_BYTES = 16_384;

/**
 * A message that a session sends. The session reads it only after the server has asked for the data (354), and writes the final dot
 * only after it has read the end, so that the reads show whether the server can have the whole message.
 */
export class MessageStream extends Readable {
  readonly #content: Buffer;
  readonly #onFirstRead: () => void;
  #position = 0;
  #wasRead = false;
  #isAtEnd = false;

  constructor(content: Buffer, onFirstRead: () => void) {
    super({ highWaterMark: CHUNK_BYTES });
    this.#content = content;
    this.#onFirstRead = onFirstRead;
  }

  /** Whether the end was read: the final dot may have been sent. A server must discard a message without it (RFC 5321, section 4.1.1.4). */
  get mayBeComplete(): boolean {
    return this.#isAtEnd;
  }

  override _read(): void {
    if (!this.#wasRead) this.#onFirstRead();
    this.#wasRead = true;
    if (this.#position >= this.#content.length) {
      this.#isAtEnd = true;
      this.push(null);
      return;
    }
    const chunk = this.#content.subarray(this.#position, this.#position + CHUNK_BYTES);
    this.#position += chunk.length;
    this.push(chunk);
  }
}
