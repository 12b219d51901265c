/** The labels of the headers above a quoted email, by which Outlook and other clients separate it from the reply. */
const LABELS = {
  from: 'from|von|de|da|van|från|fra|od|от|від|kimden|lähettäjä|发件人|寄件者|差出人|보낸 사람|보낸사람|מאת|من',
  date: 'sent|date|gesendet|datum|envoyé|enviado(?: el| em)?|fecha|data|inviato|verzonden|skickat|sendt|dato|wysłano|odesláno|отправлено|дата|надіслано|gönderildi|tarih|lähetetty|发送时间|日期|寄件日期|送信日時|日時|보낸 날짜|날짜|נשלח|تاريخ الإرسال',
  to: 'to|an|à|para|a|aan|till|til|do|komu|кому|kime|vastaanottaja|收件人|收件者|宛先|받는 사람|받는사람|אל|إلى',
  subject:
    'subject|betreff|objet|asunto|assunto|oggetto|onderwerp|ämne|emne|temat|předmět|тема|konu|aihe|主题|主旨|件名|제목|נושא|الموضوع',
};
const LABEL = Object.fromEntries(
  Object.entries(LABELS).map(([name, words]) => [
    name,
    new RegExp(`^[\\s*>_]{0,8}(?:${words})\\s?\\*{0,2}\\s?[:：]`, 'iu'),
  ]),
) as Record<keyof typeof LABELS, RegExp>;
/** The lines after the first header in which two others must follow. A long list of recipients is wrapped. */
const LINES = 12;
/** Lines above the headers that separate the reply from them. */
const SEPARATOR =
  /^\s*(?:[_-]{5,80}|[-\s]{0,20}(?:original message|ursprüngliche nachricht|message d'origine|mensaje original|mensagem original|messaggio originale|oorspronkelijk bericht|forwarded message|weitergeleitete nachricht|begin forwarded message:?|元のメッセージ|原始邮件|转发的邮件|原始郵件|원본 메시지|пересылаемое сообщение|исходное сообщение)[-\s]{0,20})$/iu;
const MAX_LINE = 300;

/**
 * The text above the headers of a quoted email: `From:` or `Von:` and at least two of date, recipients and subject. The whole text
 * if there are none.
 */
export function cutQuotedHeaders(text: string): string {
  const lines = text.split('\n');
  const first = lines.findIndex((line, index) =>
    startsHeaders(line, lines.slice(index + 1, index + 1 + LINES)),
  );
  if (first === -1) return text;
  let end = first;
  while (end > 0 && (lines[end - 1]?.trim() === '' || SEPARATOR.test(short(lines[end - 1])))) end--;
  return lines.slice(0, end).join('\n');
}

function startsHeaders(line: string, next: readonly string[]): boolean {
  if (!LABEL.from.test(short(line))) return false;
  // A quoted line is a part of a quote that another step finds.
  if (line.trimStart().startsWith('>')) return false;
  const others = [LABEL.date, LABEL.to, LABEL.subject].filter((label) =>
    next.some((each) => label.test(short(each))),
  );
  return others.length >= 2;
}

function short(line = ''): string {
  return line.slice(0, MAX_LINE);
}
