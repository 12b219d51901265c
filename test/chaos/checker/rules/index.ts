import { CLIENT_RULES } from './clients.ts';
import { DELIVERY_RULES } from './delivery.ts';
import { INBOUND_RULES } from './inbound.ts';
import type { Rule } from './rule.ts';
import { RUN_RULES } from './run.ts';
import { STATUS_RULES } from './status.ts';
import { STORE_RULES } from './store.ts';

/** In the order of the processing of a message. */
export const RULES: Record<string, Rule> = {
  ...RUN_RULES,
  ...CLIENT_RULES,
  ...STORE_RULES,
  ...INBOUND_RULES,
  ...DELIVERY_RULES,
  ...STATUS_RULES,
};
