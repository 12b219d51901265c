import type { Breakage } from './broken.ts';
import { branchesOf, isValid, type Operation, type Parameter, resolve, type Schema } from './contract.ts';
import type { Request } from './request.ts';

/** A text of almost 1 MB, below the limit of every body. */
const MEGABYTE = 'x'.repeat(900_000);
const MANY = 5_000;
/** Almost the max number of values in a body. */
const MOST = 90_000;
const TOO_MANY = 150_000;

/** Texts that some languages or libraries parse as an integer, and that the contract refuses. */
const ODD_INTEGERS = [
  '1e400',
  'Infinity',
  '-Infinity',
  'NaN',
  '0x1',
  '01',
  '+1',
  '-0',
  '1e0',
  '1.0',
  ' 1',
  '1 ',
  '1\u0000',
  '\u0661',
  '\uff11',
  '1'.repeat(400),
];
/** Numbers that some parsers accept and JSON does not allow. */
const NOT_JSON = ['01', '+1', '0x1', '1.', '.5', 'Infinity', 'NaN', '1e', "'1'", '1_000'];
const BEYOND_DOUBLE = ['1e400', '-1e400', '1'.repeat(400)];

/** Every change that gives one value of a request of this operation an extreme size or form. */
export function extremesOf({ parameters, body }: Operation): Breakage[] {
  return [
    ...parameters.filter(({ schema }) => resolve(schema).type === 'integer').flatMap(oddIntegers),
    ...(body ? [...branchesOf(body.schema).flatMap(extremeBodies), ...bytes()] : []),
  ];
}

function extremeBodies(branch: Schema): Breakage[] {
  const breakages = [...inFields(branch), ...unknownFields(branch), ...oddNumbers(branch)];
  return breakages.map((breakage) => ({ ...breakage, branch }));
}

function oddIntegers({ name, in: place }: Parameter): Breakage[] {
  return ODD_INTEGERS.map((text) => ({
    title: `${place} ${name}: ${text.slice(0, 20)}`,
    where: `/${place}/${name}`,
    statuses: [422],
    apply: (request) =>
      place === 'path'
        ? { ...request, params: { ...request.params, [name]: text } }
        : { ...request, query: [...request.query.filter(([key]) => key !== name), [name, text]] },
  }));
}

function inFields(schema: Schema): Breakage[] {
  return Object.entries(resolve(schema).properties ?? {}).flatMap(([name, field]) => [
    ...extremeValues()
      .filter(([, value]) => !isValid(field, value))
      .map(
        ([how, value]): Breakage => ({
          title: `${name}: ${how}`,
          where: value === beyond ? '/body' : `/body/${name}`,
          statuses: [422],
          apply: (request) => ({ ...request, body: { ...(request.body as object), [name]: value } }),
        }),
      ),
    ...BEYOND_DOUBLE.filter(() => !isValid(field, 0)).map((text) =>
      withText(`${name}: the number ${text.slice(0, 20)}`, name, text, [422], `/body/${name}`),
    ),
  ]);
}

const beyond = Array(TOO_MANY).fill(0);

function extremeValues(): [string, unknown][] {
  const entries = (value: unknown) => Array.from({ length: MANY }, (_, index) => [`n${index}`, value]);
  return [
    ['a megabyte', MEGABYTE],
    ['a megabyte in a list', [MEGABYTE]],
    ['a megabyte in a map', { name: MEGABYTE }],
    ['a name of a megabyte in a map', { [MEGABYTE]: 'text' }],
    ['thousands of wrong items', Array(MANY).fill(0)],
    ['as many wrong items as values are allowed', Array(MOST).fill(0)],
    ['more wrong items than values are allowed', beyond],
    ['thousands of wrong items in items', Array(MANY).fill([0])],
    ['thousands of wrong entries', Object.fromEntries(entries(0))],
    ['thousands of entries that are lists', Object.fromEntries(entries([]))],
  ];
}

function unknownFields(schema: Schema): Breakage[] {
  if (resolve(schema).additionalProperties !== false) return [];
  const unknown = (count: number, name: string): Breakage => ({
    title: `${count} unknown fields`,
    where: `/body/${name.slice(0, 100)}`,
    statuses: [422],
    apply: (request) => {
      const fields = Object.fromEntries(Array.from({ length: count }, (_, index) => [`${name}${index}`, 0]));
      return { ...request, body: { ...(request.body as object), ...fields } };
    },
  });
  return [unknown(MANY, 'unknown'), unknown(1, MEGABYTE)];
}

function oddNumbers(schema: Schema): Breakage[] {
  const [name = ''] = resolve(schema).required ?? Object.keys(resolve(schema).properties ?? {});
  return NOT_JSON.map((text) => withText(`${name}: ${text}, which is not JSON`, name, text, [400], null));
}

/** Bodies whose bytes are not UTF-8: a lone byte, half a sequence, an overlong form, half a surrogate pair. */
function bytes(): Breakage[] {
  return [[0xff], [0xe4], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]].map(
    (sequence) => ({
      title: `a body with the bytes ${Buffer.from(sequence).toString('hex')}`,
      where: null,
      statuses: [400],
      apply: (request) => {
        const text = JSON.stringify({ ...(request.body as object), unknown: 'before-after' });
        const [before = '', after = ''] = text.split('-after');
        return {
          ...request,
          text: Buffer.concat([Buffer.from(before), Buffer.from(sequence), Buffer.from(after)]),
        };
      },
    }),
  );
}

function withText(
  title: string,
  name: string,
  text: string,
  statuses: number[],
  where: string | null,
): Breakage {
  const apply = (request: Request): Request => {
    const { [name]: _, ...rest } = request.body as Record<string, unknown>;
    const others = JSON.stringify(rest).slice(1, -1);
    return { ...request, text: `{${others}${others && ','}${JSON.stringify(name)}:${text}}` };
  };
  return { title, where, statuses, apply };
}
