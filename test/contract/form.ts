import { MatchersV3, type Rules } from '@pact-foundation/pact';

export const FORM_TYPE = 'application/x-www-form-urlencoded';

/** The parameters of a form: texts, and matchers of texts. */
export type Form = Record<string, string | MatchersV3.Matcher<string>>;

/** The form of the examples, in the order of the parameters. */
export function bodyOf(form: Form): Buffer {
  const examples = Object.entries(form).map(([name, value]): [string, string] => [
    name,
    typeof value === 'string' ? value : String(value.value),
  ]);
  return Buffer.from(new URLSearchParams(examples).toString());
}

/** A rule for each parameter: a parameter without a rule would have Pact's rule of the whole body, its content type. */
export function rulesOf(form: Form): Rules {
  const body = Object.entries(form).map(([name, value]) => ({
    path: `$.${name}`,
    rules: [typeof value === 'string' ? MatchersV3.equal(value) : value],
  }));
  return { body };
}
