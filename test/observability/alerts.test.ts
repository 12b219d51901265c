import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { parse } from 'yaml';
import { createEvents } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string };
}

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('The metrics of the service', () => {
  const events = createEvents(createLogger('silent'));
  const { registry, watchQueue, watchInbox, watchFeed, watchEndpoints, watchMedia } = events;
  watchQueue(async () => []);
  watchInbox([], async () => []);
  watchFeed(async () => ({ waiting: 0, oldest_seconds: 0 }));
  watchMedia(async () => ({ files: 0, oldest_seconds: 0, disk_bytes: 0 }));
  events.watchErasures(async () => ({ erasures: 0, oldest_seconds: 0 }));
  events.watchRetention(async () => []);
  watchEndpoints(async () => ({ states: {}, pending: 0, oldest_seconds: 0, behind: 0 }));
  const labels = new Map(
    (registry.getMetricsAsArray() as unknown as { name: string; labelNames?: string[] }[]).map(
      ({ name, labelNames = [] }) => [name, labelNames],
    ),
  );
  const own = [...labels.keys()].filter((name) => !/^(process|nodejs)_/.test(name));
  const { groups } = parse(read('docs/alerts.yaml')) as { groups: { rules: Rule[] }[] };
  const rules = groups.flatMap((group) => group.rules);

  it('have one prefix, and docs/operations.md describes each', () => {
    expect(own).to.have.length.above(10);
    const text = read('docs/operations.md');
    for (const name of own) {
      expect(name).to.match(/^messaging_/);
      expect(text).to.contain(`\`${name}`);
    }
  });

  it('are all that docs/operations.md and the alerts name', () => {
    const text = read('docs/operations.md') + rules.map(({ expr }) => expr).join();
    for (const [name] of text.matchAll(/messaging_[a-z_]+/g)) {
      // The user and the database of docker-compose.yml.
      if (name === 'messaging_user' || name === 'messaging_service') continue;
      expect(own, name).to.include(name.replace(/_(bucket|sum|count)$/, ''));
    }
  });

  it('have the labels that the alerts use', () => {
    expect(rules).to.have.length.above(5);
    for (const { alert, expr, labels: given, annotations } of rules) {
      const used = [...expr.matchAll(/messaging_[a-z_]+/g)].map(([name]) => name);
      expect(used, alert).not.to.deep.equal([]);
      const known = used.flatMap((name) => labels.get(name.replace(/_(bucket|sum|count)$/, '')) ?? []);
      const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', '));
      const filtered = [...expr.matchAll(/[{,] ?(\w+)(?:=~|!=|=)"/g)].map(([, name]) => name as string);
      const shown = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, name]) => name as string);
      for (const name of [...grouped, ...filtered]) expect([...known, 'le'], alert).to.include(name);
      for (const name of shown) expect(grouped, alert).to.include(name);
      expect(given.severity, alert).to.be.oneOf(['warning', 'critical']);
    }
  });
});
