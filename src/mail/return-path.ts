/** How servers write a null return path: `<>`, or the name that Postfix gives it for programs. */
const NULL_PATH = /^(?:|mailer-daemon)$/i;

/** The return path in a sender of an envelope, or in a header; null for a null return path, as bounces have. */
export function readReturnPath(text: string): string | null {
  const path = text.trim().replace(/^<|>$/g, '').trim();
  return NULL_PATH.test(path) ? null : path;
}
