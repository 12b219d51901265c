import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** The browser of this machine, by `CHROMIUM` or by its usual names. */
export async function launchChromium(): Promise<Browser> {
  const found = process.env.CHROMIUM ?? NAMES.map(onPath).find((path) => path !== null);
  if (!found)
    throw new Error(
      'There is no Chromium on this machine. Install it (Debian: apt-get install chromium), or say where it is: CHROMIUM=/path/to/chrome make test-browser',
    );
  // As root, as in most containers, Chromium refuses to start with its sandbox; only our own pages are opened.
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
