import type { Ajv } from 'ajv';

/**
 * Maximum length of a text for patterns and formats of the contract, in UTF-16 units. The stack of the regular expression
 * engine grows with the text and overflows at a few megabytes. A test requires a `maxLength` below this limit for every
 * pattern and format in a request.
 */
export const MAX_CHECKED_LENGTH = 8_192;

type Test = (text: string) => boolean;

/** The option `code.regExp` of ajv. Creates patterns that never match a text over the limit. */
export const boundedRegExp = Object.assign(
  (pattern: string, flags: string) => {
    const regExp = new RegExp(pattern, flags);
    return Object.assign(regExp, { test: bounded((text) => RegExp.prototype.test.call(regExp, text)) });
  },
  { code: 'boundedRegExp' },
);

/** Changes every format for text so that a text over the limit is invalid. */
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
