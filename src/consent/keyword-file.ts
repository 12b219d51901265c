import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Keywords } from '../config/keywords.ts';
import { ACTIONS, createKeywordMatcher, MAX_KEYWORD_LENGTH, normaliseKeyword } from './keywords.ts';

const SHIPPED = join(import.meta.dirname, 'keywords.json');
const MAX_BYTES = 65_536;
const MAX_REPLY_LENGTH = 1_600;

/**
 * Reads keywords by their languages: `{"en": {"stop": [], "start": [], "help": [], "replies": {"stop": "", "start": "", "help":
 * null}}}`.
 *
 * @param path null for the shipped file.
 * @throws {Error} if the file cannot be read or is not valid, with the reason.
 */
export function readKeywords(path: string | null): Keywords {
  const file = path ?? SHIPPED;
  const stats = statSync(file);
  if (!stats.isFile()) throw new Error(`${file} is not a file`);
  if (stats.size > MAX_BYTES) throw new Error(`${file} has ${stats.size} bytes, more than ${MAX_BYTES}`);
  const languages = parse(file, readFileSync(file));
  createKeywordMatcher(languages);
  return languages;
}

function parse(file: string, bytes: Buffer): Keywords {
  const languages = record(file, parseJson(file, bytes));
  if (Object.keys(languages).length === 0) throw new Error(`${file} has no language`);
  for (const [language, value] of Object.entries(languages)) {
    if (!/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(language))
      throw new Error(`"${language}" is not the tag of a language, such as en or es-MX`);
    const { replies, ...words } = record(language, value, [...ACTIONS, 'replies']);
    for (const action of ACTIONS) assertKeywords(`${language}.${action}`, words[action]);
    const texts = record(`${language}.replies`, replies, ACTIONS);
    for (const action of ACTIONS) assertReply(`${language}.replies.${action}`, texts[action]);
  }
  return languages as unknown as Keywords;
}

function parseJson(file: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new Error(`${file} is not JSON in UTF-8: ${(error as Error).message}`, { cause: error });
  }
}

/** @param names the fields, all of which are required; any fields without names. */
function record(path: string, value: unknown, names?: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${path} is not an object`);
  const unknown = names && Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`${path}.${unknown} is an unknown field`);
  const missing = names?.find((name) => !(name in value));
  if (missing !== undefined) throw new Error(`${path}.${missing} is missing`);
  return value as Record<string, unknown>;
}

function assertKeywords(path: string, value: unknown): void {
  if (!Array.isArray(value)) throw new Error(`${path} is not a list of texts`);
  for (const [index, word] of value.entries())
    if (typeof word !== 'string' || word.length > MAX_KEYWORD_LENGTH || normaliseKeyword(word) === '')
      throw new Error(
        `${path}[${index}] is not a text with letters or digits and at most ${MAX_KEYWORD_LENGTH} characters`,
      );
}

function assertReply(path: string, value: unknown): void {
  const isText = typeof value === 'string' && value.trim() !== '' && value.length <= MAX_REPLY_LENGTH;
  if (value !== null && !(isText && !value.includes('\0')))
    throw new Error(`${path} is neither null nor a text of at most ${MAX_REPLY_LENGTH} characters`);
}
