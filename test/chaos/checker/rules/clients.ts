import { checkEach, type Rule } from './rule.ts';

const acknowledgedEventually: Rule = ({ sent }) =>
  checkEach(
    sent,
    ({ token, acknowledgements }) => acknowledgements.length === 0 && `${token}: was never acknowledged`,
  );

const onlyExpectedResponses: Rule = ({ sent }) =>
  checkEach(
    sent,
    ({ token, unexpected }) =>
      unexpected.length > 0 && `${token}: has the responses ${unexpected.join(', ')}`,
  );

const oneMessagePerKey: Rule = ({ sent }) =>
  checkEach(sent, ({ token, acknowledgements }) => {
    const messages = new Set(
      acknowledgements.map(({ id, conversation_id }) => `${id} in conversation ${conversation_id}`),
    );
    return messages.size > 1 && `${token}: is message ${[...messages].join(', then ')}`;
  });

const oneKeyPerMessage: Rule = ({ sent }) => {
  const byId = Map.groupBy(
    sent.filter(({ acknowledgements }) => acknowledgements.length > 0),
    ({ acknowledgements }) => acknowledgements[0]?.id,
  );
  return checkEach(byId, ([id, group]) => {
    const tokens = group.map(({ token }) => token);
    return tokens.length > 1 && `${tokens[0]}: has the same message ${id} as ${tokens.slice(1).join(', ')}`;
  });
};

export const CLIENT_RULES: Record<string, Rule> = {
  'every message is acknowledged': acknowledgedEventually,
  'every response is 202 or 503': onlyExpectedResponses,
  'a repeated key returns the first message': oneMessagePerKey,
  'different keys create different messages': oneKeyPerMessage,
};
