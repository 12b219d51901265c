/** The keywords of one language, and the texts of the automatic replies. */
export interface LanguageKeywords {
  stop: readonly string[];
  start: readonly string[];
  help: readonly string[];
  /** The reply to each keyword; null for no reply. */
  replies: Readonly<Record<KeywordAction, string | null>>;
}

/** What a keyword asks for: no more messages, messages again, or information. */
export type KeywordAction = 'stop' | 'start' | 'help';

/** By the tag of the language (BCP 47), such as `en` or `es-MX`. */
export type Keywords = Readonly<Record<string, LanguageKeywords>>;

/**
 * Reads the keywords; null for the shipped file.
 *
 * @throws {Error} if the file is not valid, with the reason.
 */
export type KeywordReader = (path: string | null) => Keywords;
