import type { Report } from '../check.ts';
import { coverageOf } from '../coverage.ts';
import { factsOf } from '../facts.ts';
import { CLIENT_RULES } from '../rules/clients.ts';
import { RUN_RULES } from '../rules/run.ts';
import { CONSUMERS, type FeedEvidence } from './evidence.ts';
import { FEED_RULES } from './rules.ts';

/** Compares the events that each consumer received with the database. */
export function checkFeed(evidence: FeedEvidence): Report {
  const facts = factsOf(evidence);
  const ofRun = Object.entries({ ...RUN_RULES, ...CLIENT_RULES }).map(([rule, apply]) => ({
    rule,
    ...apply(facts),
  }));
  const ofConsumers = CONSUMERS.flatMap((name) => {
    const consumed = evidence.consumed[name];
    if (!consumed) return [];
    return Object.entries(FEED_RULES).map(([rule, apply]) => ({
      rule: `${name}: ${rule}`,
      ...apply(consumed, evidence, name),
    }));
  });
  const rules = [...ofRun, ...ofConsumers];
  const violations = rules.reduce((sum, rule) => sum + rule.violations.length, 0);
  return { coverage: coverageOf(facts), rules, unknown: [], violations };
}
