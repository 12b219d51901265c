import { InvalidRequestError } from '../../errors.ts';
import { EXPORT_COLUMNS } from '../export.ts';
import type { Column } from './errors.ts';

const COLUMNS: readonly string[] = [
  ...(['address', 'scope', 'sender', 'reason', 'note', 'created_at'] satisfies Column[]),
];
/** Columns of an exported file that are not imported. */
const IGNORED = EXPORT_COLUMNS.filter((name) => !COLUMNS.includes(name));
/** Max characters of a name in an error. */
const MAX_NAME = 100;
const MAX_NAMES = 5;

export interface Header {
  /** The number of fields of each row. */
  size: number;
  positions: Partial<Record<Column, number>>;
}

/**
 * Reads the names of the columns, in any order and in any case.
 *
 * @throws {InvalidRequestError} if a name is unknown or repeated, or `address` is missing.
 */
export function readHeader(fields: string[]): Header {
  const names = fields.map((field) => field.trim().toLowerCase());
  const known = new Set<string>([...COLUMNS, ...IGNORED]);
  const unknown = names.filter((name) => !known.has(name)).slice(0, MAX_NAMES);
  const messages = [
    ...unknown.map((name) => `line 1: the column ${JSON.stringify(name.slice(0, MAX_NAME))} is unknown`),
    ...[...known]
      .filter((name) => names.indexOf(name) !== names.lastIndexOf(name))
      .map((name) => `line 1: the column ${name} is repeated`),
    ...(names.includes('address') ? [] : ['line 1: the column address is missing']),
  ];
  if (messages.length > 0)
    throw new InvalidRequestError(messages.map((message) => ({ path: '/body', message })));
  const positions = names.flatMap((name, index) => (COLUMNS.includes(name) ? [[name, index]] : []));
  return { size: names.length, positions: Object.fromEntries(positions) };
}
