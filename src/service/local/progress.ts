import type { WriteStream } from 'node:tty';

/** The progress of the start, written to a terminal. Writes nothing if the stream is not a terminal. */
export interface Progress {
  /** Announces a step that may take seconds. */
  step(text: string): void;
  /** Announces that the service accepts requests. `links` are URLs by their labels. */
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

/** The same URL with `localhost` as its host, for a browser on this machine. */
export function browserUrl(url: string): string {
  return url.replace(/\/\/(0\.0\.0\.0|\[::\]|127\.0\.0\.1|\[::1\])(?=:)/, '//localhost');
}
