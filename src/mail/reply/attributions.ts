/** The end of the line above a quoted email, in every language: "On Monday, Ada <ada@example.com> wrote:". */
const ENDS = /[:：]\s*$/;
const ADDRESS = /[^\s@]@[^\s@]/;
const TIME = /\d.*\b\d{1,2}[:.h]\d\d\b/;
/** The line is wrapped where it is long. */
const MAX_LINES = 3;
const MAX_LENGTH = 400;

/** The text without the lines that name the author of the quoted lines below: with an address, or with a date and a time. */
export function withoutAttributions(text: string): string {
  const lines = text.split('\n');
  const dropped = new Set<number>();
  let last = -1;
  for (const [index, line] of lines.entries()) {
    if (line.startsWith('>') && last !== -1 && !lines[last]?.startsWith('>'))
      for (const each of attributionAt(lines, last)) dropped.add(each);
    if (line.trim() !== '') last = index;
  }
  return dropped.size === 0 ? text : lines.filter((_, index) => !dropped.has(index)).join('\n');
}

/** The lines of the attribution that ends at a line; empty if there is none. */
function attributionAt(lines: readonly string[], last: number): number[] {
  if (!ENDS.test((lines[last] as string).slice(-MAX_LENGTH))) return [];
  for (let count = 1; count <= MAX_LINES; count++) {
    const first = last - count + 1;
    const own = lines.slice(Math.max(0, first), last + 1);
    const joined = own.join(' ');
    if (first < 0 || own[0]?.trim() === '' || joined.length > MAX_LENGTH) return [];
    if (ADDRESS.test(joined) || TIME.test(joined)) return own.map((_, index) => first + index);
  }
  return [];
}
