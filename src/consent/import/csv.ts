import { pipeline, Readable } from 'node:stream';
import { type CsvError, parse } from 'csv-parse';
import { InvalidRequestError } from '../../errors.ts';
import { readLines } from './lines.ts';

/** Max bytes of a row. Also ends a file whose quote is never closed. */
const MAX_ROW_BYTES = 16_384;

export interface CsvRow {
  /** The line where the row begins, from 1. */
  line: number;
  fields: string[];
}

/** As csv-parse gives a row with these options. */
interface Parsed {
  info: { lines: number; records: number };
  record: string[];
}

/**
 * Reads the rows of a CSV file in UTF-8 (RFC 4180) while it arrives. Lines may end with CRLF or LF; a byte order mark and empty
 * lines are skipped.
 *
 * @throws {InvalidRequestError} with the line where the file stops being valid, after all rows before it.
 */
export async function* readCsv(file: AsyncIterable<Buffer>): AsyncGenerator<CsvRow> {
  // As an error of the parser, it would discard rows that are parsed and not read yet.
  let broken: CsvError | undefined;
  const report = (error: CsvError | undefined): undefined => {
    broken ??= error;
  };
  const lines = readLines(file, MAX_ROW_BYTES, () => broken !== undefined);
  const parser = parse({
    ...{ bom: true, info: true, relax_column_count: true, skip_empty_lines: true },
    ...{ record_delimiter: ['\r\n', '\n'], max_record_size: MAX_ROW_BYTES },
    ...{ skip_records_with_error: true, on_skip: report },
  });
  pipeline(Readable.from(lines, { objectMode: false }), parser, ignore);
  // csv-parse counts a line end CRLF in a quoted field as two lines.
  let counted = 0;
  for await (const { info, record } of parser as AsyncIterable<Parsed>) {
    if (broken && info.records > Number(broken.records)) break;
    const inside = record.filter((field) => field.includes('\n')).join('');
    counted += inside.split('\r\n').length - 1;
    yield { line: info.lines - counted - (inside.split('\n').length - 1), fields: record };
  }
  const line = parser.info.lines - counted;
  if (lines.invalidUtf8()) throw brokenAt(line, 'is not UTF-8');
  if (broken) throw brokenAt(Number(broken.lines) - counted, messageOf(broken.code));
}

function brokenAt(line: number, message: string): InvalidRequestError {
  return new InvalidRequestError([{ path: '/body', message: `line ${line} ${message}` }]);
}

function messageOf(code: string): string {
  if (code === 'CSV_MAX_RECORD_SIZE')
    return `is in a row with more than ${MAX_ROW_BYTES} bytes, or after a quote that is not closed`;
  if (code === 'CSV_QUOTE_NOT_CLOSED') return 'is after a quote that is not closed';
  return 'has a quote inside a field; a quote in a quoted field is written twice';
}

/** The loop reads the error of the pipeline from the parser. */
function ignore(): void {}
