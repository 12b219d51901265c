import type { Logger } from './logger.ts';

/** Changes of the ledger of suppressions by many rows at once. No line has an address. */
export interface LedgerEvents {
  /** An import has ended. `isWhole`: the whole file was read. `actor`: the API key. */
  suppressionsImported(result: {
    rows: number;
    added: number;
    changed: number;
    unchanged: number;
    rejected: number;
    actor: string | null;
    isWhole: boolean;
  }): void;
}

export function createLedgerEvents(logger: Logger): LedgerEvents {
  return {
    suppressionsImported: ({ isWhole, ...result }) => {
      if (isWhole) logger.info(result, 'suppressions imported');
      else logger.warn(result, 'import of suppressions stopped');
    },
  };
}
