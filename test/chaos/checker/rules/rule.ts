import type { Facts } from '../facts.ts';

/** The result of one rule: the number of items it was applied to, and one line for each violation. */
export interface RuleResult {
  checked: number;
  /** Each line begins with the token of the message, or with the name of another item. */
  violations: string[];
}

export type Rule = (facts: Facts) => RuleResult;

type Violation = string | false | null | undefined;

/** Applies a rule to each item; `violationsOf` returns the violations of an item, or a falsy value. */
export function checkEach<T>(
  items: Iterable<T>,
  violationsOf: (item: T) => Violation | Violation[],
): RuleResult {
  const result: RuleResult = { checked: 0, violations: [] };
  for (const item of items) {
    result.checked++;
    for (const violation of [violationsOf(item)].flat()) if (violation) result.violations.push(violation);
  }
  return result;
}
