import type { Rule } from './rule.ts';
import { CLIENT_RULES } from './rules-clients.ts';
import { DELIVERY_RULES } from './rules-delivery.ts';
import { RUN_RULES } from './rules-run.ts';
import { STATUS_RULES } from './rules-status.ts';
import { STORE_RULES } from './rules-store.ts';

/** In the order of the processing of a message. */
export const RULES: Record<string, Rule> = {
  ...RUN_RULES,
  ...CLIENT_RULES,
  ...STORE_RULES,
  ...DELIVERY_RULES,
  ...STATUS_RULES,
};
