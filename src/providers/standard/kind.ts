import type { Kind } from '../provider.ts';
import { type StandardSettings, standardConfig } from './config.ts';
import { createStandardProvider } from './send.ts';

export const standard: Kind<StandardSettings> = { config: standardConfig, create: createStandardProvider };
