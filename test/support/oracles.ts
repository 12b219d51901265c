import { createRequire } from 'node:module';

/** `make verify-providers` installs the official libraries of the providers here. */
const require = createRequire(new URL('../oracles/package.json', import.meta.url));

/** An official library of a provider; null if it is not installed. */
export function findOracle<Library>(name: string): Library | null {
  try {
    return require(name) as Library;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return null;
    throw error;
  }
}

/** The note in the title of a test that is skipped without its library. */
export const NOT_INSTALLED = ' (not installed: make verify-providers installs the library)';
