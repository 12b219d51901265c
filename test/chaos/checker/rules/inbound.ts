import { tokenIn } from '../evidence.ts';
import { checkEach, type Rule } from './rule.ts';

const acknowledgedEventually: Rule = ({ inbound }) =>
  checkEach(inbound, ({ token, acknowledged }) => acknowledged === 0 && `${token}: was never acknowledged`);

/** A mail server can pass an email on several times. */
const storedOnce: Rule = ({ inbound, storedInbound }) => {
  const byToken = Map.groupBy(storedInbound, ({ body }) => tokenIn(body) ?? '');
  return checkEach(
    inbound.filter(({ acknowledged }) => acknowledged > 0),
    ({ token, from, to }) => {
      const stored = byToken.get(token) ?? [];
      if (stored.length !== 1) return `${token}: is stored ${stored.length} times`;
      const [message] = stored;
      const isSame = message?.from === from && message.to.join() === to;
      return !isSame && `${token}: is stored as from ${message?.from} to ${message?.to.join()}`;
    },
  );
};

const nothingElse: Rule = ({ inbound, storedInbound }) => {
  const tokens = new Set(inbound.map(({ token }) => token));
  return checkEach(
    storedInbound,
    ({ id, body }) => !tokens.has(tokenIn(body) ?? '') && `message ${id}: was not received by a mail server`,
  );
};

export const INBOUND_RULES: Record<string, Rule> = {
  'every inbound email is acknowledged': acknowledgedEventually,
  'an acknowledged inbound email is stored once': storedOnce,
  'every stored inbound message was passed on by a mail server': nothingElse,
};
