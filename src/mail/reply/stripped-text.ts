import { createContext, Script } from 'node:vm';
import EmailReplyParser from 'email-reply-parser';
import { withoutAttributions } from './attributions.ts';
import { cutQuotedHeaders } from './quoted-headers.ts';

/** Max UTF-16 units that are searched. A reply stands at the start; the rest of a longer email is quoted, or no reply. */
const MAX_SEARCHED = 65_536;
/** The expressions of the package can take hours for a hostile text; a usual text takes a few milliseconds. */
const MAX_MS = 200;
/** The start of a signature that belongs to the reply: a closing formula and the name. */
const CLOSING =
  /^(?:cheers|best(?: wishes)?|(?:\w+ ){0,2}regards|bien . vous|(?:\w+ )?cordialement|bonne (?:journ|soir).e)\b/i;

const parser = new EmailReplyParser();
const run = new Script('job()');
const scope = createContext({}) as { job?: () => void };

/**
 * The reply in a text, without the quoted email and without a signature after a separator. The whole text if nothing is quoted, or
 * if the quoted email cannot be found in `MAX_MS`.
 */
export function strippedTextOf(text: string): string {
  const all = text.replaceAll('\r\n', '\n');
  const searched = all.slice(0, MAX_SEARCHED);
  const reply = visibleIn(withoutAttributions(cutQuotedHeaders(searched)));
  if (reply === null) return all.trim();
  // An email without a reply above the quoted email: a forwarded email, or a reply that is below.
  return reply.trim() || searched.trim();
}

function visibleIn(text: string): string | null {
  let visible = '';
  // The time limit of a script also ends regular expressions, which nothing else can interrupt.
  scope.job = () => {
    visible = parser
      .read(text)
      .getFragments()
      .filter(
        (fragment) => !fragment.isHidden() || (fragment.isSignature() && isClosing(fragment.getContent())),
      )
      .map((fragment) => fragment.getContent())
      .join('\n');
  };
  try {
    run.runInContext(scope, { timeout: MAX_MS });
    return visible;
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return null;
    throw error;
  }
}

function isClosing(content: string): boolean {
  return CLOSING.test(content.trimStart());
}
