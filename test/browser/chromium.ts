import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** The path of the installed Chromium: the path in `CHROMIUM`, by default a command with one of the usual names. */
export function findChromium(): string | undefined {
  return process.env.CHROMIUM ?? NAMES.map(onPath).find((path) => path !== null) ?? undefined;
}

/** Starts the installed Chromium. */
export async function launchChromium(): Promise<Browser> {
  const found = findChromium();
  if (!found)
    throw new Error(
      'Chromium is not installed. Install it (Debian: apt-get install chromium), or set its path: CHROMIUM=/path/to/chrome make test-browser',
    );
  // Chromium refuses to start with its sandbox as root, for example in a container. The tests open pages of the service only.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: found, args });
}

function onPath(name: string): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return null;
}
