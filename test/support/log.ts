import { pino } from 'pino';

export type LogLine = { level: number; msg: string } & Record<string, unknown>;

/** A logger that stores the lines of this level and above. */
export function keepLog(level = 'info') {
  const lines: LogLine[] = [];
  const write = (text: string) => void lines.push(JSON.parse(text));
  const logger = pino({ level, base: null, timestamp: false }, { write });
  return { logger, lines, of: (msg: string) => lines.filter((line) => line.msg === msg) };
}
