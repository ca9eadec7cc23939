import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startBank } from './bank.ts';
import { dayNoOf, textOf } from './figures.ts';

const folder = mkdtempSync(join(tmpdir(), 'sapar-bank-'));
const bank = await startBank({ journal: join(folder, 'bank.jsonl') });
after(async () => {
  await bank.close();
  rmSync(folder, { recursive: true });
});

const ask = async (date: string): Promise<string> => (await fetch(`${bank.feedUrl}?fdate=${date}`)).text();
const control = (body: unknown): Promise<Response> =>
  fetch(`${bank.url}/_control`, { method: 'POST', body: JSON.stringify(body) });

/** Currency to hundredths of a tenge. */
function figures(xml: string): Map<string, number> {
  const items = xml.matchAll(/<title>([A-Z]{3})<\/title>\s*<description>(\d+)\.(\d\d)<\/description>/g);
  return new Map([...items].map(([, code = '', whole, part]) => [code, Number(`${whole}${part}`)]));
}

test('a day is answered under its date, always with the same figures', async () => {
  const xml = await ask('24.11.2026');
  assert.match(xml, /<date>24\.11\.2026<\/date>/);
  assert.equal(await ask('24.11.2026'), xml);
  for (const code of ['CNY', 'USD', 'EUR', 'RUB', 'GBP', 'KGS', 'UZS']) assert.ok(figures(xml).has(code), code);
  assert.match(xml, /<title>UZS<\/title>\s*<description>3\.\d\d<\/description>\s*<quant>100</);
});

test('figures move slowly, from Tuesday to Saturday, and stay near their level', async () => {
  const first = dayNoOf('01.10.2026') ?? 0;
  let before = figures(await ask(textOf(first)));
  for (let day = first + 1; day < first + 180; day += 1) {
    const now = figures(await ask(textOf(day)));
    const weekday = new Date(day * 86_400_000).getUTCDay();
    for (const [code, figure] of now) {
      const last = before.get(code) ?? 0;
      assert.ok(Math.abs(figure - last) <= 1 + last / 100, `${code} from ${last} to ${figure} on ${textOf(day)}`);
      if (weekday < 2) assert.equal(figure, last, `${code} on a ${weekday === 0 ? 'Sunday' : 'Monday'}`);
    }
    before = now;
  }
  const dollar = before.get('USD') ?? 0;
  assert.ok(dollar > 430_00 && dollar < 475_00);
});

test('a day that is none has no rates', async () => {
  for (const date of ['', '31.02.2026', '2026-11-24', '<x>']) {
    const xml = await ask(encodeURIComponent(date));
    assert.doesNotMatch(xml, /<item>|<x>/);
    assert.match(xml, /<info>/);
  }
});

test('it misbehaves when asked to, and still does after a restart', async () => {
  assert.equal((await control({ mode: 'yesterday' })).status, 200);
  assert.match(await ask('24.11.2026'), /<date>23\.11\.2026<\/date>/);
  await control({ mode: 'fail' });
  assert.equal((await fetch(`${bank.feedUrl}?fdate=24.11.2026`)).status, 503);
  const again = await startBank({ journal: join(folder, 'bank.jsonl') });
  assert.equal((await fetch(`${again.feedUrl}?fdate=24.11.2026`)).status, 503);
  await again.close();
  await control({ mode: 'garbage' });
  assert.doesNotMatch(await ask('24.11.2026'), /<rates>/);
  await control({ mode: 'normal', faults: [{ kind: 'status', status: 500 }] });
  assert.equal((await fetch(bank.feedUrl)).status, 500);
  assert.match(await ask('24.11.2026'), /<date>24/);
});

test('what it is asked for and does not know is refused', async () => {
  for (const body of [{ mode: 'odd' }, { mood: 'fail' }, { faults: 'all' }, []])
    assert.equal((await control(body)).status, 400, JSON.stringify(body));
});
