import { machineText, type Report } from './report.ts';
import { numberText, type Row } from './rows.ts';

type Bar = {
  readonly label: string;
  readonly share: number;
  readonly text: string;
  readonly tone: 'ours' | 'other' | 'missed';
};

const WIDTH = 760;
const LABEL = 300;
const BAR_MAX = 300;
const LINE = 26;
const TOP = 98;

/** Readable on white and on black: colours follow the reader's scheme, text is text, and no fact is told by colour alone. */
const style = `
  text { font: 13px system-ui, sans-serif; fill: #1b1f24; }
  .title { font-size: 17px; font-weight: 600; } .small { font-size: 11.5px; fill: #57606a; } .head { font-weight: 600; }
  .ours { fill: #0f766e; } .other { fill: #8b949e; } .missed { fill: #b45309; } .mark { stroke: #1b1f24; stroke-dasharray: 3 3; }
  .ground { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .small { fill: #9aa4af; } .ours { fill: #2dd4bf; } .other { fill: #6e7681; } .missed { fill: #f59e0b; }
    .mark { stroke: #e6edf3; } .ground { fill: #0d1117; }
  }`;

/** The run as one picture: top-ups beside what they are compared with, then every figure against its pass mark. */
export function chartOf(report: Report): string {
  const compared = comparisons(report.results);
  const marked = report.results.filter((row) => row.reached !== null).map(markBar);
  const markScale = Math.max(1.5, ...marked.map((bar) => Math.min(bar.share, 4)));
  const second = TOP + (compared.length + 2) * LINE;
  const height = second + (marked.length + 1) * LINE + 20;
  const markX = LABEL + BAR_MAX / markScale;
  const parts = [
    compared.length > 0 ? text(20, TOP - 12, { words: 'Durable top-ups a second over HTTP', role: 'head' }) : '',
    ...compared.map((bar, nth) => barOf(bar, TOP + nth * LINE)),
    text(20, second - 12, { words: 'Each figure against its pass mark (dashed line)', role: 'head' }),
    ...marked.map((bar, nth) =>
      barOf({ ...bar, share: Math.min(bar.share, markScale) / markScale }, second + nth * LINE, markX),
    ),
    `<line class="mark" x1="${markX}" x2="${markX}" y1="${second - 4}" y2="${second + marked.length * LINE}"/>`,
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Sapar benchmark of ${report.at.slice(0, 10)}">
<style>${style}
</style>
<rect class="ground" width="${WIDTH}" height="${height}" rx="8"/>
${text(20, 30, { words: `Sapar benchmark, ${report.at.slice(0, 10)}`, role: 'title' })}
${text(20, 50, { words: machineText(report), role: 'small' })}
${parts.filter(Boolean).join('\n')}
</svg>
`;
}

/** The top-up rate and what was measured beside it. */
function comparisons(rows: readonly Row[]): Bar[] {
  const row = (name: string): Row | undefined => rows.find((each) => each.name === name);
  const found: [string, number | null | undefined, Bar['tone']][] = [
    ['the same route without a database', row('topups-no-database')?.baseline, 'other'],
    ['POST /v1/topups', row('topups')?.value, 'ours'],
    ['… all through one partner float', row('topups-one-float')?.value, 'ours'],
    ['… every number met for the first time', row('topups-new-numbers')?.value, 'ours'],
    ['the same server with batching off', row('topups-batching-off')?.baseline, 'other'],
    ['pgbench -N, 10 clients', row('topups')?.baseline, 'other'],
    ['pgbench TPC-B, 10 clients', row('pgbench-tpcb')?.value, 'other'],
  ];
  const bars = found.flatMap(([label, rate, tone]) => (typeof rate === 'number' ? [{ label, rate, tone }] : []));
  const most = Math.max(1, ...bars.map(({ rate }) => rate));
  return bars.map(({ label, rate, tone }) => ({ label, tone, share: rate / most, text: `${numberText(rate)}/s` }));
}

function markBar(row: Row): Bar {
  const share = row.reached ?? 0;
  const figure = row.mark?.startsWith('ratio') ? row.ratio : row.value;
  const unit = row.mark?.startsWith('ratio') || figure === null ? '' : row.unit === '/s' ? '/s' : ` ${row.unit}`;
  const verdict = share >= 1 ? '' : ' missed';
  return {
    label: labels[row.name] ?? row.name,
    share,
    tone: share >= 1 ? 'ours' : 'missed',
    text: `${figure === null ? '–' : numberText(figure)}${unit} (${row.mark})${verdict}`,
  };
}

const labels: Readonly<Record<string, string>> = {
  topups: 'top-ups',
  'topups-no-database': 'top-ups: share of the route without database',
  'topups-batching-off': 'top-ups: times the rate with batching off',
  'topups-one-float': 'one float: share of 50 floats',
  'topups-open-loop-p99': 'p99 at half the maximum, open loop',
  'topups-open-loop-rate': 'achieved of offered, open loop',
  bulk: 'bulk credits',
  vouchers: 'voucher redemptions',
  'vouchers-by-size': 'share of the rate with a tenth of the cards',
  ussd: 'USSD dialogues of three steps',
  transfers: 'ledger transfers in process',
  'print-time': 'a batch to its encrypted print file',
  'print-memory': '… and its peak memory',
};

/** `clear` is where the figure may begin: behind the dashed line, which would otherwise run through it. */
function barOf(bar: Bar, y: number, clear = 0): string {
  const width = Math.max(1, Math.round(bar.share * BAR_MAX));
  const label = `<text x="${LABEL - 12}" y="${y + 13}" text-anchor="end">${escaped(bar.label)}</text>`;
  const figure = text(Math.max(LABEL + width, clear) + 8, y + 13, { words: bar.text, role: 'value' });
  return `${label}<rect class="${bar.tone}" x="${LABEL}" y="${y}" width="${width}" height="17" rx="2"/>${figure}`;
}

function text(x: number, y: number, { words, role }: { words: string; role: string }): string {
  return `<text class="${role}" x="${x}" y="${y}">${escaped(words)}</text>`;
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
