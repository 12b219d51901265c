import type { Row } from './main.ts';

const WIDTHS = [44, 12, 12, 10, 10, 10, 8];

/** The rows as text, under their heading. */
export function toTable(rows: Row[]): string {
  const line = (cells: (string | number | null)[]) =>
    cells
      .map((cell, column) =>
        column === 0 ? String(cell).padEnd(WIDTHS[0] ?? 0) : String(cell ?? '').padStart(WIDTHS[column] ?? 0),
      )
      .join('');
  const heading = line(['', 'connections', 'messages/s', 'p50 ms', 'p99 ms', 'stored', 'failed']);
  return [
    heading,
    ...rows.map((row) =>
      line([row.name, row.connections, row.perSecond, row.p50, row.p99, row.stored, row.failed]),
    ),
  ].join('\n');
}

/** The rows as a picture of bars. */
export function toSvg(rows: Row[]): string {
  const [barHeight, gap, left, right] = [18, 6, 360, 440];
  const most = Math.max(...rows.map(({ perSecond }) => perSecond), 1);
  const bars = rows.map((row, index) => {
    const y = 10 + index * (barHeight + gap);
    const width = Math.round((row.perSecond / most) * right);
    const colour = row.name.startsWith('floor') ? '#b0b7c3' : '#2f6feb';
    const label = `<text x="${left - 8}" y="${y + 13}" text-anchor="end">${row.name}, ${row.connections} connections</text>`;
    const value = `<text x="${left + width + 6}" y="${y + 13}">${row.perSecond}/s</text>`;
    return `${label}<rect x="${left}" y="${y}" width="${width}" height="${barHeight}" fill="${colour}"/>${value}`;
  });
  const height = 20 + rows.length * (barHeight + gap);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right + 90}" height="${height}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>${bars.join('')}</svg>\n`;
}
