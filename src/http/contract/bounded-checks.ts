import type { Ajv } from 'ajv';

/**
 * The longest text that a pattern or a format of the contract is applied to, in UTF-16 units. The engine for regular
 * expressions keeps a stack as long as the text, and overflows on a few megabytes. A test holds the contract to a
 * `maxLength` below this wherever a request has a pattern or a format.
 */
export const MAX_CHECKED_LENGTH = 8_192;

type Test = (text: string) => boolean;

/** For ajv's option `code.regExp`: a pattern that no text over the limit matches. */
export const boundedRegExp = Object.assign(
  (pattern: string, flags: string) => {
    const regExp = new RegExp(pattern, flags);
    return Object.assign(regExp, { test: bounded((text) => RegExp.prototype.test.call(regExp, text)) });
  },
  { code: 'boundedRegExp' },
);

/** Makes every format for text fail on a text over the limit. */
export function boundFormats({ formats }: Pick<Ajv, 'formats'>): void {
  for (const [name, format] of Object.entries(formats)) {
    if (format instanceof RegExp) formats[name] = bounded((text) => format.test(text));
    else if (typeof format === 'function') formats[name] = bounded(format as Test);
    else if (typeof format === 'object' && format.type !== 'number')
      formats[name] = { ...format, validate: bounded(testOf(format.validate)) } as never;
  }
}

function testOf(validate: unknown): Test {
  return validate instanceof RegExp ? (text) => validate.test(text) : (validate as Test);
}

function bounded(test: Test): Test {
  return (text) => text.length <= MAX_CHECKED_LENGTH && test(text);
}
