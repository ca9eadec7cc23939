import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { Letter } from '../../simulators/mailbox/mailbox.ts';
import { startApp } from '../support/app.ts';
import { axeFindings, launchBrowser, noBrowser, overflow, type Visit, visit } from '../support/browser.ts';
import { Shopper } from '../support/shopper.ts';
import {
  asVisitor,
  atService,
  freshNumber,
  languages,
  mobile,
  orderOf,
  problemAt,
  toReview,
  untilTone,
} from './pages.ts';

const SERVICE = 'service-key-of-the-site-for-this-test';
const WAIT_MS = 20_000;

describe('news of an order by letter', { skip: noBrowser }, () => {
  let app: Awaited<ReturnType<typeof startApp>>;
  let browser: Browser;
  const shopper = new Shopper(() => app.url, SERVICE);

  before(async () => {
    [app, browser] = await Promise.all([startApp({ env: { SAPAR_SERVICE_KEY: SERVICE } }), launchBrowser()]);
  });
  after(async () => {
    await browser?.close();
    await app?.close();
  });

  const open = async (path: string, options?: BrowserContextOptions): Promise<Visit> => {
    const visitor = await visit(browser, app.url, { extraHTTPHeaders: asVisitor(), viewport: mobile, ...options });
    await visitor.page.goto(`${app.url}${path}`, { waitUntil: 'load' });
    return visitor;
  };

  /** axe looks by script. */
  const looksRight = async (page: Page, where: string, hasScript: boolean): Promise<void> => {
    assert.equal(await overflow(page), 0, where);
    if (hasScript) assert.deepEqual(await axeFindings(page), [], where);
  };

  async function letterTo(address: string): Promise<Letter> {
    const settings = JSON.parse(readFileSync(join(app.dataDir, 'simulators', 'settings.json'), 'utf8'));
    const until = performance.now() + WAIT_MS;
    while (performance.now() < until) {
      const { letters } = (await (await fetch(`${settings.SAPAR_MAILBOX_URL}/_control`)).json()) as {
        letters: Letter[];
      };
      const found = letters.find(({ to }) => to === address);
      if (found) return found;
      await delay(200);
    }
    throw new Error('no letter came');
  }

  for (const { language } of languages)
    for (const javaScriptEnabled of [true, false]) {
      const script = javaScriptEnabled ? 'with' : 'without';
      test(`asked for before paying, ${script} script, in ${language}: it comes, and its link leads to the order`, async () => {
        const { page, close } = await open(`/${language}/topup`, { javaScriptEnabled });
        await toReview(page, `${app.url}/${language}/topup`);
        await page.fill('#email', 'li.wei@');
        await page.click('form[action="?/pay"] button');
        assert.notEqual(await problemAt(page, 'email'), '');
        assert.equal(await page.inputValue('#email'), 'li.wei@');
        await looksRight(page, 'review with a wrong address', javaScriptEnabled);
        const address = `${language}.${script}@example.com`;
        await page.fill('#email', address);
        await page.click('form[action="?/pay"] button');
        await atService(page, 'pay');
        await untilTone(page, 'good');
        const letter = await letterTo(address);
        const [link = ''] = /http:\S+/.exec(letter.text) ?? [];
        assert.equal(link, `${app.url}/${language}/orders/${orderOf(page)}`);
        await page.goto(link);
        assert.match((await page.textContent('dl')) ?? '', /•••@example\.com/);
        await close();
      });
    }

  for (const javaScriptEnabled of [true, false])
    test(`asked for afterwards, on the order’s page, which does not load itself meanwhile, ${javaScriptEnabled ? 'with' : 'without'} script`, async () => {
      const address = `later.${javaScriptEnabled}@example.com`;
      const { id, url } = await shopper.placed({ msisdn: freshNumber(), currency: 'KZT', method: 'stripe' });
      const { page, close } = await open(`/en/orders/${id}`, { javaScriptEnabled });
      await page.click('a[href$="?email"]');
      assert.equal(await page.locator('meta[http-equiv=refresh]').count(), 0);
      await page.fill('#email', 'nobody');
      await page.click('form[action="?/email"] button');
      assert.match(await problemAt(page, 'email'), /not an e-mail address/);
      assert.equal(await page.inputValue('#email'), 'nobody');
      await looksRight(page, 'order with a wrong address', javaScriptEnabled);
      await page.fill('#email', address);
      await page.click('form[action="?/email"] button');
      await page.waitForSelector('dl');
      assert.match((await page.textContent('dl')) ?? '', /l•••@example\.com/);
      assert.equal(await page.locator('a[href$="?email"]').count(), 0);
      await shopper.atProvider(url, 'pay');
      assert.match((await letterTo(address)).subject, /₸1,000 is on the phone/);
      await close();
    });
});
