import type { Schema } from '../../openapi/types.ts';

type Code = Schema<'ImportErrorCode'>;
export type Column = 'address' | 'scope' | 'sender' | 'reason' | 'note' | 'created_at';

/** Every error of a row. An import keeps the number of the error only, so that a million errors need little memory. */
const ERRORS = {
  columnCount: [null, 'column_count', 'has more or fewer fields than the header'],
  addressRequired: ['address', 'required', 'is required'],
  addressInvalid: ['address', 'invalid', 'is not exactly one phone number, short code or email address'],
  scopeInvalid: ['scope', 'invalid', 'is not all, channel or sender'],
  senderRequired: ['sender', 'required', 'is required with the scope sender'],
  senderNotAllowed: ['sender', 'not_allowed', 'is allowed with the scope sender only'],
  senderInvalid: ['sender', 'invalid', 'is not exactly one sender of the channel of the address'],
  reasonInvalid: ['reason', 'invalid', 'is not a reason of a suppression'],
  noteTooLong: ['note', 'too_long', 'has more than 500 characters'],
  noteInvalid: ['note', 'invalid', 'has a NUL character'],
  timeInvalid: ['created_at', 'invalid', 'is not a time as in RFC 3339, such as 2024-11-01T14:00:00Z'],
} as const satisfies Record<string, [Column | null, Code, string]>;

export type RowError = keyof typeof ERRORS;

const NAMES = Object.keys(ERRORS) as RowError[];
const FIRST_CAPACITY = 64;

/** The errors of an import, in five bytes each. */
export class ImportErrors {
  #lines = new Uint32Array(FIRST_CAPACITY);
  #errors = new Uint8Array(FIRST_CAPACITY);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(line: number, error: RowError): void {
    if (this.#count === this.#lines.length) this.#grow();
    this.#lines[this.#count] = line;
    this.#errors[this.#count] = NAMES.indexOf(error);
    this.#count++;
  }

  *present(): Generator<Schema<'ImportError'>> {
    for (let index = 0; index < this.#count; index++) {
      const [column, code, message] = ERRORS[NAMES[this.#errors[index] as number] as RowError];
      yield { line: this.#lines[index] as number, column, code, message };
    }
  }

  #grow(): void {
    const [lines, errors] = [this.#lines, this.#errors];
    this.#lines = new Uint32Array(2 * lines.length);
    this.#errors = new Uint8Array(2 * errors.length);
    this.#lines.set(lines);
    this.#errors.set(errors);
  }
}
