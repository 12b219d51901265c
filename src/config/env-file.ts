import { readFileSync } from 'node:fs';

/** The content of a file such as `.env`. */
export interface EnvFile {
  path: string;
  values: Readonly<Record<string, string>>;
  /** The line number of each variable. */
  lines: ReadonlyMap<string, number>;
  /** One line of text for each fault, without the value, which may be a secret. */
  faults: readonly string[];
}

const BLANK = /[^\S\n]*(?:#[^\n]*)?(?:\n|$)/y;
/** A value in quotes may span lines. Without quotes, a `#` begins a comment after white space only, as in a shell. */
const ASSIGNMENT =
  /[^\S\n]*(?:export[^\S\n]+)?([^\s=#"']+)[^\S\n]*=[^\S\n]*(?:"((?:[^"\\]|\\[\s\S])*)"|'([^']*)'|([^\s"'#][^\n]*?)?)[^\S\n]*(?:(?<=\s)#[^\n]*)?(?:\n|$)/y;
const LINE = /[^\n]*(?:\n|$)/y;

/** Reads a file of `NAME=value` lines. A file that cannot be read is a fault. */
export function readEnvFile(path: string): EnvFile {
  try {
    return parseEnvFile(path, readFileSync(path, 'utf8'));
  } catch (error) {
    const faults = [`ENV_FILE: ${path} cannot be read: ${(error as Error).message}`];
    return { path, values: {}, lines: new Map(), faults };
  }
}

/**
 * Parses `NAME=value` lines. As in a shell, `export` may precede the name, lines may have comments, and values may have
 * single or double quotes; `$` is not expanded. Faults are lines of any other form, and variables with two values.
 */
export function parseEnvFile(path: string, source: string): EnvFile {
  const text = source.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  const values: Record<string, string> = {};
  const lines = new Map<string, number>();
  const faults: string[] = [];
  for (let at = 0, line = 1; at < text.length; ) {
    const [match, pattern] = matchAt(text, at);
    const [name = '', double, single, plain] = match.slice(1);
    if (pattern === LINE) {
      faults.push(`ENV_FILE: line ${line} of ${path} is not NAME=value`);
    } else if (pattern === ASSIGNMENT) {
      const value = double === undefined ? (single ?? plain ?? '') : resolveEscapes(double);
      if (lines.has(name) && values[name] !== value)
        faults.push(`${name}: set twice in ${path}, lines ${lines.get(name)} and ${line}`);
      values[name] = value;
      lines.set(name, line);
    }
    at += match[0].length;
    line += match[0].split('\n').length - 1;
  }
  return { path, values, lines, faults };
}

/** The first pattern that matches at this position, with its match. */
function matchAt(text: string, at: number): [match: RegExpExecArray, pattern: RegExp] {
  for (const pattern of [BLANK, ASSIGNMENT, LINE]) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) return [match, pattern];
  }
  throw new Error('unreachable: a line matches any text');
}

/** Replaces the escapes that a shell has in double quotes, and `\n` by a line break. */
function resolveEscapes(text: string): string {
  return text.replace(/\\(["\\$`n])/g, (_, character) => (character === 'n' ? '\n' : character));
}
