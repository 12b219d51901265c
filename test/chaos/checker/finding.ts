import type { Facts } from './facts.ts';

/** What is found of one rule: how many things it was held against, and a line for each that breaks it. */
export interface Finding {
  checked: number;
  /** Each begins with the message's token, or else with what it is about. */
  violations: string[];
}

export type Rule = (facts: Facts) => Finding;

type Transition = string | false | null | undefined;

/** Holds every one of `items` against a rule; `breaks` says how it breaks it, or nothing. */
export function each<T>(items: Iterable<T>, breaks: (item: T) => Transition | Transition[]): Finding {
  const finding: Finding = { checked: 0, violations: [] };
  for (const item of items) {
    finding.checked++;
    for (const violation of [breaks(item)].flat()) if (violation) finding.violations.push(violation);
  }
  return finding;
}
