const ONE_LINE = 'must be one line without control characters';
const HTTP_URL = 'must be an absolute http or https URL';
const PRINTABLE = 'must have printable ASCII characters only';

/** The patterns and formats of openapi.yaml that say little to a reader, with the rule in words. */
const RULES = new Map([
  ['pattern "^[^\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]*$"', ONE_LINE],
  ['pattern "^[^\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029/\\\\]*$"', `${ONE_LINE}, / and \\`],
  [
    'pattern "^[hH][tT][tT][pP][sS]?://([^/?#@]*@)?(\\[[^/?#@\\[\\]]+\\]|[^/?#@:\\[\\]]+)(:\\d*)?([/?#]|$)"',
    HTTP_URL,
  ],
  ['format "uri"', HTTP_URL],
  ['pattern "^[ -~]*$"', PRINTABLE],
  ['pattern "^[\\x20-\\x7e]+$"', PRINTABLE],
]);

/** The text of a validation error of the package, with the rule in words in place of a pattern. */
export function readableError(message: string): string {
  return RULES.get(message.replace(/^must match /, '')) ?? message;
}
