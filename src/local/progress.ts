import type { WriteStream } from 'node:tty';

/** Tells a person at a terminal how the start proceeds. Without a terminal nothing is written. */
export interface Progress {
  /** A step begins that may take seconds. */
  step(text: string): void;
  /** The service accepts requests: links to open, by their names. */
  ready(links: Record<string, string>): void;
}

export function createProgress(terminal: WriteStream): Progress {
  if (!terminal.isTTY) return { step: () => undefined, ready: () => undefined };
  return {
    step: (text) => void terminal.write(`${text} ...\n`),
    ready: (links) => {
      const width = Math.max(...Object.keys(links).map((name) => name.length));
      const lines = Object.entries(links).map(([name, url]) => `  ${name.padEnd(width)}  ${url}\n`);
      terminal.write(`\nReady. Stop with Ctrl-C.\n${lines.join('')}\n`);
    },
  };
}

/** The URL as a browser on this machine can open it. */
export function openable(url: string): string {
  return url.replace(/\/\/(0\.0\.0\.0|\[::\]|127\.0\.0\.1|\[::1\])(?=:)/, '//localhost');
}
