import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openTestPlatform, type TestPlatform } from '../test/support/platform.ts';
import { parseMsisdn } from './base/msisdn.ts';
import { openDemo } from './demo.ts';
import { parsePin } from './vouchers/index.ts';

let first: TestPlatform;
let second: TestPlatform;
before(async () => {
  [first, second] = await Promise.all([openTestPlatform(), openTestPlatform()]);
});
after(() => Promise.all([first.close(), second.close()]));

test('what the demo offers is good, and the same after a restart', async () => {
  const demo = await openDemo(first);
  const again = await openDemo(first);
  assert.deepEqual(again.vouchers, demo.vouchers);
  assert.deepEqual(again.partner, demo.partner);
  for (const operator of ['kcell', 'beeline', 'tele2'])
    assert.ok(demo.vouchers.filter((card) => card.operator === operator).length >= 20);
});

test('what was kept beside another database is not offered', async () => {
  copyFileSync(join(first.dataDir, 'demo.json'), join(second.dataDir, 'demo.json'));
  const { partner, vouchers } = await openDemo(second);
  assert.equal((await second.partners.authenticate(partner.key)).name, 'demo');
  const [card] = vouchers;
  const target = parseMsisdn('77011234567');
  const pin = parsePin(card?.pin ?? '');
  const asked = { pin, target, caller: target, channel: 'api', gateway: undefined, operator: undefined } as const;
  assert.equal((await second.topups.redeem({ ...asked, apiKey: undefined })).status, 'credited');
});
