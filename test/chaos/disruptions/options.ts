import type { ChaosEvent } from '../checker/evidence.ts';
import type { ChaosDatabase } from '../postgres.ts';
import type { ChaosProvider } from '../provider.ts';
import type { ChaosService } from '../service.ts';
import type { ChaosSettings } from '../settings.ts';

export interface Targets {
  database: ChaosDatabase;
  provider: ChaosProvider;
  service: ChaosService;
}

export interface DisruptionOptions {
  settings: ChaosSettings;
  targets: Targets;
  note: (kind: ChaosEvent['kind'], detail: string) => void;
  random: () => number;
  /** The share of the messages that is acknowledged, from 0 to 1. */
  progress: () => number;
  /** Stops the disruptions. */
  signal: AbortSignal;
}
