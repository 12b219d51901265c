/** The text of a webhook's value, which is a string, or a number that the provider did not quote. Null for other types. */
export function readText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? `${value}` : null;
}

/** The values of a webhook's list, which may also be a single value; empty for null, undefined and an empty text. */
export function itemsOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === null || value === undefined || value === '' ? [] : [value];
}

/** The provider's id of a message, which the contract allows to be an integer. */
export function readProviderId(id: string | number): string {
  return `${id}`;
}

/** Whether a value, or an item of a list, is a text that is not blank. */
export function hasText(value: unknown): boolean {
  return itemsOf(value).some((item) => (readText(item) ?? '').trim() !== '');
}
