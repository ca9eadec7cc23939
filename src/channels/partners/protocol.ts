import type { RefusalCode } from '../../base/refusal.ts';
import type { AgentProtocol, AgentSettings } from '../../parties/index.ts';

/** A protocol's own table: our refusal to the number it is answered by. No two protocols share one, because the same number means other things. */
export type Results = ReadonlyMap<RefusalCode, number>;

/** What an agent is told. */
export type Told = {
  readonly command: 'check' | 'pay' | undefined;
  /** Empty where none could be read. */
  readonly txnId: string;
  readonly result: number;
  readonly comment: string;
  readonly prvTxn: bigint | undefined;
  /** Decimal text; undefined where nothing was paid. */
  readonly sum: string | undefined;
  /** For the payer to see. */
  readonly fields: readonly { readonly label: string; readonly text: string }[];
};

/** One check/pay protocol: what is particular to it. Reading, deciding and keeping answers is common to all. */
export type Protocol = {
  readonly id: AgentProtocol;
  readonly methods: readonly ('GET' | 'POST')[];
  readonly txnIdDigitsMax: number;
  /** Answered for good: the payment is over, and its repeat is told the same. */
  readonly finals: Results;
  /** Answered to a check besides: nobody has paid yet, so a plain no serves the payer better. */
  readonly atCheck: Results;
  /** Everything else: ask again later. Never a number that ends a payment. */
  readonly again: number;
  render(told: Told, settings: AgentSettings): { readonly type: string; readonly body: string };
};

/** For text between tags and in attributes. What XML 1.0 does not allow at all is left out. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '')
    .replace(/[&<>"']/g, (sign) => signs.get(sign) ?? '');
}

const signs = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&apos;'],
]);

export const XML = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** An element; empty where there is no text. */
export function element(name: string, text: string): string {
  return text === '' ? `<${name}/>` : `<${name}>${escapeXml(text)}</${name}>`;
}
