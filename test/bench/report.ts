import type { Measured } from './load.ts';

export interface Row extends Measured {
  name: string;
  connections: number;
  /** Messages that were stored, or accepted by the provider in a drain; null for reads and baselines without a database. */
  stored: number | null;
  /** The throughput as a share of a baseline's throughput, or the cost as a multiple of another row's cost. */
  ratios: Record<string, number>;
}

const WIDTHS = [52, 12, 12, 9, 9, 9, 8];

export function heading(): string {
  return line(['', 'connections', 'per second', 'p50 ms', 'p99 ms', 'stored', 'failed']);
}

export function toLine(row: Row): string {
  const ratios = Object.entries(row.ratios).map(([of, ratio]) => `  ${ratio.toFixed(2)} ${of}`);
  const cells = [row.name, row.connections, row.perSecond, row.p50, row.p99, row.stored, row.failed];
  return line(cells) + ratios.join('');
}

function line(cells: (string | number | null)[]): string {
  return cells
    .map((cell, column) => {
      const [text, width] = [String(cell ?? ''), WIDTHS[column] ?? 0];
      return column === 0 ? text.padEnd(width) : text.padStart(width);
    })
    .join('');
}

/** The rows as a bar chart. */
export function toSvg(rows: Row[]): string {
  const [barHeight, gap, left, right] = [18, 6, 460, 440];
  const maxPerSecond = Math.max(...rows.map(({ perSecond }) => perSecond), 1);
  const bars = rows.map((row, index) => {
    const y = 10 + index * (barHeight + gap);
    const width = Math.round((row.perSecond / maxPerSecond) * right);
    const colour = row.name.startsWith('baseline') ? '#b0b7c3' : '#2f6feb';
    const label = `<text x="${left - 8}" y="${y + 13}" text-anchor="end">${row.name}, ${row.connections} connections</text>`;
    const value = `<text x="${left + width + 6}" y="${y + 13}">${row.perSecond}/s</text>`;
    return `${label}<rect x="${left}" y="${y}" width="${width}" height="${barHeight}" fill="${colour}"/>${value}`;
  });
  const height = 20 + rows.length * (barHeight + gap);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right + 90}" height="${height}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>${bars.join('')}</svg>\n`;
}
