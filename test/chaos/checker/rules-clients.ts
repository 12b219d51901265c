import { each, type Rule } from './finding.ts';

const getThrough: Rule = ({ sent }) =>
  each(sent, ({ token, answers }) => answers.length === 0 && `${token}: was never acknowledged`);

const areAnsweredAsPromised: Rule = ({ sent }) =>
  each(sent, ({ token, odd }) => odd.length > 0 && `${token}: was answered ${odd.join(', ')}`);

const areToldTheSameAgain: Rule = ({ sent }) =>
  each(sent, ({ token, answers }) => {
    const told = new Set(
      answers.map(({ id, conversation_id }) => `${id} in conversation ${conversation_id}`),
    );
    return told.size > 1 && `${token}: is message ${[...told].join(', then ')}`;
  });

const noTwoAreTheSame: Rule = ({ sent }) => {
  const byId = Map.groupBy(
    sent.filter(({ answers }) => answers.length > 0),
    ({ answers }) => answers[0]?.id,
  );
  return each(byId, ([id, group]) => {
    const tokens = group.map(({ token }) => token);
    return tokens.length > 1 && `${tokens[0]}: shares message ${id} with ${tokens.slice(1).join(', ')}`;
  });
};

export const CLIENT_RULES: Record<string, Rule> = {
  'every client got an acknowledgement': getThrough,
  'no answer but an acknowledgement, 503 or none': areAnsweredAsPromised,
  'one key has one answer': areToldTheSameAgain,
  'two keys have two messages': noTwoAreTheSame,
};
