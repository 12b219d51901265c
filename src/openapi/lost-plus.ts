/**
 * Restores the plus signs in the local part of an email address of a query string: a plus that was not encoded arrives as a space,
 * and a local part has no spaces.
 */
export function restoreInnerPlus(text: string): string {
  const end = text.lastIndexOf('@');
  const start = text.lastIndexOf('<', end) + 1;
  return end < 0
    ? text
    : text.slice(0, start) + text.slice(start, end).trimStart().replaceAll(' ', '+') + text.slice(end);
}
