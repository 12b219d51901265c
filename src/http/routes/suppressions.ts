import type { ImportResult } from '../../consent/import/result.ts';
import { actorOf, type Handlers } from '../auth/caller.ts';
import type { Context } from './context.ts';

type Operations =
  | 'listSuppressions'
  | 'putSuppression'
  | 'deleteSuppression'
  | 'listSuppressionHistory'
  | 'importSuppressions'
  | 'exportSuppressions';

export function suppressionHandlers({ ledger }: Context): Pick<Handlers, Operations> {
  return {
    listSuppressions: async ({ query }) => ({ status: 200, body: await ledger.list(query) }),
    putSuppression: async ({ caller, params, body }) => {
      const { isNew, suppression } = await ledger.put(params.address, body, actorOf(caller));
      return { status: isNew ? 201 : 200, body: suppression };
    },
    deleteSuppression: async ({ caller, params, query }) => {
      await ledger.remove({ ...params, ...query }, actorOf(caller));
      return { status: 204, body: undefined };
    },
    listSuppressionHistory: async ({ params, query }) => ({
      status: 200,
      body: await ledger.history(params.address, query),
    }),
    importSuppressions: async ({ caller, body }) => ({
      status: 200,
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: toJson(await ledger.import(body.parts, actorOf(caller))),
    }),
    exportSuppressions: async ({ query }) => ({
      status: 200,
      headers: CSV_HEADERS,
      body: ledger.export(query),
    }),
  };
}

const CSV_HEADERS = {
  'content-type': 'text/csv; charset=utf-8; header=present',
  'content-disposition': 'attachment; filename="suppressions.csv"',
};

/** Errors in one part of the response. */
const PART_SIZE = 500;

/** The result of an import as JSON. A million errors are about 100 MB, of which one part is in memory at a time. */
async function* toJson({ rows, added, changed, unchanged, errors }: ImportResult): AsyncGenerator<string> {
  const counts = { rows, added, changed, unchanged, rejected: errors.count };
  yield `${JSON.stringify(counts).slice(0, -1)},"errors":[`;
  let part: string[] = [];
  let separator = '';
  for (const error of errors.present()) {
    if (part.push(JSON.stringify(error)) < PART_SIZE) continue;
    yield separator + part.join(',');
    [part, separator] = [[], ','];
  }
  yield `${part.length > 0 ? separator + part.join(',') : ''}]}`;
}
