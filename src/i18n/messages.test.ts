import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type RefusalCode, refusals } from '../base/refusal.ts';
import { formatMoneyPhone, languages, ussdLength } from './index.ts';

const folder = join(import.meta.dirname, '../../messages');
const read = (name: string): Record<string, unknown> => JSON.parse(readFileSync(join(folder, name), 'utf8'));
const files = new Map(languages.map((language) => [language, read(`${language}.json`)]));
const keysOf = (file: object): string[] => Object.keys(file).filter((key) => key !== '$schema');
const english = files.get('en') ?? {};

test('there is one file for each language we say we have', () => {
  const there = readdirSync(folder).filter((name) => /^[a-z]{2}\.json$/.test(name));
  assert.deepEqual(there.sort(), [...languages].map((language) => `${language}.json`).sort());
});

for (const language of languages) {
  test(`${language} has the keys of English, no more and no fewer`, () => {
    assert.deepEqual(keysOf(files.get(language) ?? {}).sort(), keysOf(english).sort());
  });

  test(`${language} has the placeholders of English in every text`, () => {
    for (const [key, text] of Object.entries(files.get(language) ?? {})) {
      assert.deepEqual(placeholders(text), placeholders(english[key]), key);
      assert.ok(JSON.stringify(text).trim().length > 2, `${key} says something`);
    }
  });
}

/** Each once: a language may need to say a name twice. */
function placeholders(text: unknown): string[] {
  return [...new Set(JSON.stringify(text).match(/\{\w+\}/g) ?? [])].sort();
}

test('Kazakh has its own letters, and no Latin ones that only look like Cyrillic', () => {
  for (const language of ['ru', 'kk'] as const) {
    for (const [key, text] of Object.entries(files.get(language) ?? {})) {
      const mixed = JSON.stringify(text).match(/\p{Script=Cyrillic}[a-zA-Z]|[a-zA-Z]\p{Script=Cyrillic}/gu) ?? [];
      // After an escaped line break a word may begin.
      assert.deepEqual(
        mixed.filter((pair) => !pair.startsWith('n')),
        [],
        `${language} ${key}`,
      );
    }
  }
  assert.match(JSON.stringify(files.get('kk')), /[әғқңөұүһі]/);
  assert.doesNotMatch(JSON.stringify(files.get('ru')), /[әғқңөұүһі]/);
});

test('every refusal has a text', () => {
  const wanted = (Object.keys(refusals) as RefusalCode[]).map((code) => `refusal_${code.replaceAll('.', '_')}`);
  const missing = wanted.filter((key) => !Object.hasOwn(english, key));
  assert.deepEqual(missing, []);
  // Two of a kind: a bar with an end, and one that staff lift.
  const extra = keysOf(english).filter((key) => key.startsWith('refusal_') && !wanted.includes(key));
  assert.deepEqual(extra, ['refusal_voucher_guess_barred_staff']);
});

test('texts that no native reader has checked are marked, and the marks name texts that exist', () => {
  const marks = read('unreviewed.json') as Record<string, { except: string[] }>;
  assert.deepEqual(Object.keys(marks).sort(), ['kk', 'ru', 'zh']);
  for (const [language, { except }] of Object.entries(marks)) {
    assert.deepEqual(
      except.filter((key) => !Object.hasOwn(english, key)),
      [],
      `${language}: reviewed texts exist`,
    );
  }
});

test('a notice fits one SMS, with an amount and a balance of seven digits and tiyn', () => {
  for (const language of languages) {
    for (const key of ['topup_credited', 'voucher_credited']) {
      const text = String(files.get(language)?.[key])
        .replace('{amount}', formatMoneyPhone('1234567.89', language))
        .replace('{balance}', formatMoneyPhone('1234567.89', language))
        .replace('{reference}', '7K3M-9Q2P-4TXB');
      const { alphabet, length } = ussdLength(text);
      assert.ok(length <= (alphabet === 'gsm7' ? 160 : 70), `${language} ${key}: ${length} in ${alphabet}`);
    }
  }
});
