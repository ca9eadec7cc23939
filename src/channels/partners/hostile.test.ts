import assert from 'node:assert/strict';
import { test } from 'node:test';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { seeded } from '../../../test/support/kills.ts';
import { settingsFor } from '../../parties/index.ts';
import { readAsk } from './ask.ts';
import { kaspi } from './kaspi/index.ts';
import { osmp } from './osmp/index.ts';
import type { Told } from './protocol.ts';

// Whatever is answered can be read. What comes, changed at random, is read in test/fuzz.

const ANSWERS = 2_000;
const seed = Number(process.env.FUZZ_SEED ?? process.pid);

const settings = settingsFor('osmp');

test('a request as long as may be is read in no time', () => {
  const startedAt = performance.now();
  for (const part of ['account=7011234567&', '&', '=', '%', '%25', '+', 'command=pay&txn_id=1&'])
    readAsk(part.repeat(Math.ceil((16 * 1024) / part.length)), 20, settings);
  for (const name of ['account', 'sum', 'txn_id', 'txn_date'])
    readAsk(`command=pay&${name}=${'9'.repeat(16_000)}`, 20, settings);
  assert.ok(performance.now() - startedAt < 500);
});

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  trimValues: false,
});
const words = [
  'OK',
  'Абонент',
  '<&>"\'',
  ']]>',
  '<!-- -->',
  '\u0000\u0001\u000b\ufffe\ud800',
  '😀',
  '&amp;',
  '￥',
  '\\"\n\t',
];

test('whatever an answer says, it is XML, or JSON, and says it', () => {
  const random = seeded(seed);
  const word = (): string => {
    const text = Buffer.from(words.join('')).toString('utf8');
    const at = Math.floor(random() * text.length);
    return (words[Math.floor(random() * words.length)] ?? '') + text.slice(at, at + Math.floor(random() * 12));
  };
  for (let input = 0; input < ANSWERS; input += 1) {
    const told: Told = {
      command: 'pay',
      txnId: input % 3 === 0 ? '' : String(input),
      result: input % 400,
      comment: word(),
      prvTxn: input % 2 === 0 ? BigInt(input) : undefined,
      sum: input % 2 === 0 ? '200.45' : undefined,
      fields: input % 5 === 0 ? [{ label: word(), text: word() }] : [],
    };
    for (const body of [
      osmp.render(told, settings).body,
      osmp.render(told, { ...settings, echoTag: 'txn_id' }).body,
      kaspi.render(told, settings).body,
    ]) {
      assert.equal(XMLValidator.validate(body), true, body);
      const { response } = parser.parse(body);
      assert.equal(response.result, String(told.result));
      assert.equal(response.comment ?? '', allowed(told.comment), body);
      assert.equal(response.prv_txn, told.prvTxn === undefined ? undefined : String(told.prvTxn));
    }
    const json = JSON.parse(kaspi.render(told, { ...settings, answer: 'json', bin: '123456789012' }).body);
    assert.deepEqual([json.result, json.comment, json.sum], [told.result, told.comment, told.sum]);
  }
});

/** What XML 1.0 has no way to say is left out. */
function allowed(text: string): string {
  return [...text].filter((sign) => isXmlSign(sign.codePointAt(0) ?? 0)).join('');
}

function isXmlSign(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd;
  return code < 0xd800 || (code > 0xdfff && code < 0xfffe) || code > 0xffff;
}
