/** Prefixes of replies and forwarded emails, in the languages of common clients: `Re:`, `AW:`, `Fwd:`, `RE[2]:`, `回复：`. */
const PREFIX =
  /^\s*(?:re|fwd?|aw|wg|antw|doorst|sv|vs|vl|vb|tr|rv|enc|res|ref|rif|r|i|odp|pd|ynt|ilt|atb|回复|回覆|答复|转发|轉寄|返信|转|답장|전달|הועבר|השב|отв|ответ)\s*(?:\[\d{1,3}\]|\(\d{1,3}\))?\s*[:：]/iu;
const MAX_PREFIXES = 50;

/** The text by which the subjects of one thread are the same: without prefixes, in lower case and with single spaces. */
export function baseSubject(subject: string | null): string {
  let base = subject ?? '';
  for (let count = 0; count < MAX_PREFIXES && PREFIX.test(base); count++) base = base.replace(PREFIX, '');
  return base.replace(/\s+/g, ' ').trim().toLowerCase();
}
