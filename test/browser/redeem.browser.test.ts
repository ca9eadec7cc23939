import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { startApp } from '../support/app.ts';
import { axeFindings, launchBrowser, noBrowser, overflow, type Visit, visit } from '../support/browser.ts';
import {
  asVisitor,
  atService,
  choose,
  freshNumber,
  languages,
  mobile,
  pathOf,
  pay,
  problemAt,
  throughProxy,
  untilTone,
} from './pages.ts';

// Cards redeemed on the site, and links by which somebody else pays.

const isOurs = (fault: string): boolean => !/^asked http:\/\/127\.0\.0\.1:\d+\//.test(fault);

describe('cards and links in a browser', { skip: noBrowser }, () => {
  let app: Awaited<ReturnType<typeof startApp>>;
  let browser: Browser;
  let cards = 0;

  before(async () => {
    [app, browser] = await Promise.all([startApp({ env: throughProxy }), launchBrowser()]);
  });
  after(async () => {
    await browser?.close();
    await app?.close();
  });

  const open = async (path: string, options?: BrowserContextOptions): Promise<Visit> => {
    const visitor = await visit(browser, app.url, { extraHTTPHeaders: asVisitor(), ...options });
    await visitor.page.goto(`${app.url}${path}`, { waitUntil: 'load' });
    return visitor;
  };

  /** A card nobody has used. */
  const freshCard = (): { pin: string; amount: string } => {
    const card = app.vouchers.filter(({ operator }) => operator === 'kcell')[cards];
    cards += 1;
    assert.ok(card, 'the demo has enough cards');
    return card;
  };

  const redeem = async (
    page: Page,
    { number, code }: { number: string; code: string },
    next: string,
  ): Promise<void> => {
    await page.fill('#number', number);
    await page.fill('#code', code);
    await page.click('.path-form .button');
    await page.waitForSelector(next);
  };

  for (const { language, tag } of languages) {
    for (const javaScriptEnabled of [true, false]) {
      const script = javaScriptEnabled ? 'with' : 'without';
      test(`a card is credited once, ${script} script, in ${language}`, async () => {
        const { page, faults, close } = await open(`/${language}/redeem`, { viewport: mobile, javaScriptEnabled });
        assert.equal(await page.getAttribute('html', 'lang'), tag);
        const asked: string[] = [];
        page.on('request', (request) => asked.push(request.url()));
        const { pin } = freshCard();
        const number = freshNumber();
        const code = pin.replace(/\d{4}(?=\d)/g, '$& ');
        await redeem(page, { number, code }, '.status');
        assert.equal(pathOf(page), `/${language}/redeem/done`);
        const said = await page.textContent('main');
        await page.reload();
        assert.equal(await page.textContent('main'), said, 'a reload shows the same and redeems nothing');
        await page.goto(`${app.url}/${language}/redeem`);
        await redeem(page, { number, code }, '.status');
        const again = (await page.textContent('.facts .main')) ?? '';
        assert.ok(said?.includes(again), 'the balance is the same the second time');
        assert.notEqual(await page.textContent('main'), said, 'and the page says that it was credited before');
        assert.equal(await overflow(page), 0);
        assert.ok(!asked.some((url) => url.includes(pin) || url.includes(number.slice(1))), 'no address holds either');
        assert.deepEqual(faults, []);
        await close();
      });
    }

    test(`nothing for axe to find, and nothing cut off, in ${language}`, async () => {
      const { page, faults, close } = await open(`/${language}/redeem`);
      const look = async (where: string): Promise<void> => {
        for (const width of [320, 640, 1280]) {
          await page.setViewportSize({ width, height: 800 });
          assert.equal(await overflow(page), 0, `${where} at ${width} px`);
        }
        assert.deepEqual(await axeFindings(page), [], where);
      };
      await look('redeem');
      await redeem(page, { number: '123', code: '' }, '.problems');
      await look('redeem with both wrong');
      await redeem(page, { number: freshNumber(), code: freshCard().pin }, '.status');
      await look('redeemed');
      await page.goto(`${app.url}/${language}/request`);
      await look('request');
      await page.click('.path-form .button');
      await page.waitForSelector('.problems');
      await look('request without a number');
      await page.fill('#number', freshNumber());
      await page.click('.path-form .button');
      await page.waitForSelector('.share');
      await look('link to share');
      await page.goto((await page.inputValue('#share')) ?? '');
      await look('link opened');
      assert.deepEqual(faults.filter(isOurs), []);
      await close();
    });
  }

  test('a card’s QR code fills the field, and the code stays in no address and in no history', async () => {
    const { page, close } = await visit(browser, app.url, { locale: 'zh-CN', extraHTTPHeaders: asVisitor() });
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    const { pin } = freshCard();
    await page.goto(`${app.url}/v#${pin}`);
    await page.waitForSelector('#number:focus');
    assert.equal(pathOf(page), '/zh/redeem');
    assert.equal((await page.inputValue('#code')).replaceAll(' ', ''), pin);
    assert.ok(!page.url().includes(pin));
    await page.fill('#number', freshNumber());
    await page.click('.path-form .button');
    await page.waitForSelector('.status');
    await page.goBack();
    assert.ok(!page.url().includes(pin));
    assert.ok(!asked.some((url) => url.split('#')[0]?.includes(pin)));
    assert.ok(!app.log().includes(pin));
    await close();
  });

  test('without script the QR code leads to the page, and the code is typed', async () => {
    const { page, close } = await visit(browser, app.url, { javaScriptEnabled: false, extraHTTPHeaders: asVisitor() });
    const { pin } = freshCard();
    await page.goto(`${app.url}/v#${pin}`);
    assert.equal(pathOf(page), '/en/redeem');
    await redeem(page, { number: freshNumber(), code: pin }, '.status');
    await close();
  });

  for (const javaScriptEnabled of [true, false]) {
    const script = javaScriptEnabled ? 'with' : 'without';
    test(`what is wrong keeps what was typed, ${script} script`, async () => {
      const { page, close } = await open('/en/redeem', { javaScriptEnabled });
      await redeem(page, { number: '', code: '' }, '.problems');
      assert.match(await problemAt(page, 'number'), /Type the number/);
      assert.match(await problemAt(page, 'code'), /Type the code/);
      await redeem(page, { number: '+7 912 345 67 89', code: '1111 2222 3333' }, '.problems:focus');
      assert.match(await problemAt(page, 'number'), /Russian/);
      const number = freshNumber();
      for (const [code, says] of [
        ['12345', /12 to 20 digits/],
        ['0000 1111 2222 3333', /not accepted/],
      ] as const) {
        await redeem(page, { number, code }, '#code-problem');
        assert.match(await problemAt(page, 'code'), says);
        assert.equal(await page.inputValue('#number'), number);
        assert.equal(await page.inputValue('#code'), code);
      }
      await close();
    });
  }

  test('another number’s card is refused in the words of an unknown one', async () => {
    const { page, close } = await open('/en/redeem');
    const { pin } = freshCard();
    await redeem(page, { number: freshNumber(), code: pin }, '.status');
    await page.goto(`${app.url}/en/redeem`);
    await redeem(page, { number: freshNumber(), code: pin }, '.problems');
    assert.match(await problemAt(page, 'code'), /not accepted/);
    await close();
  });

  test('who shows somebody else’s result has none', async () => {
    const { page, close } = await open('/en/redeem/done');
    assert.equal(pathOf(page), '/en/redeem');
    await close();
  });

  test('somebody without data makes a link, somebody else pays, and neither address nor page tells the number', async () => {
    const maker = await open('/ru/request', { javaScriptEnabled: false });
    const number = freshNumber();
    await maker.page.fill('#number', number);
    await maker.page.fill('#amount', '2 000');
    await maker.page.click('.path-form .button');
    await maker.page.waitForSelector('.share');
    const shared = await maker.page.inputValue('#share');
    assert.ok(!shared.includes(number.slice(1)));
    await maker.close();

    const payer = await visit(browser, app.url, { locale: 'zh-CN', extraHTTPHeaders: asVisitor() });
    const { page } = payer;
    await page.goto(shared);
    assert.match(pathOf(page), /^\/zh\/request\//, 'the link speaks the language of whoever opens it');
    const masked = `+7 ${number.slice(1, 4)} ••• ${number.slice(7, 9)} ${number.slice(9)}`;
    const text = (await page.textContent('main')) ?? '';
    assert.ok(text.includes(masked));
    assert.match(text, /₸2,000/);
    assert.ok(!(await page.content()).includes(number.slice(1)));
    await page.click('.path-form .button');
    await page.waitForSelector('#other');
    assert.equal(await page.textContent('.readback-number strong'), masked, 'nor does the order tell it');
    assert.equal(await page.locator('a[href$="/number"]').count(), 0);
    assert.equal(await page.locator('input[name=amount][value="2000.00"]').isChecked(), true);
    await choose(page, { method: 'stripe' });
    await pay(page);
    await atService(page, 'pay');
    await untilTone(page, 'good');
    await payer.close();
  });

  test('a link that never was says so, with a way out', async () => {
    const { page, close } = await open('/en/request/00000000-0000-4000-8000-000000000000');
    assert.match((await page.textContent('h1')) ?? '', /has ended or was never valid/);
    assert.equal(await page.locator('.actions a').count(), 1);
    await close();
  });

  test('a wrong amount of a link keeps what was typed', async () => {
    const { page, close } = await open('/en/request');
    await page.fill('#number', freshNumber());
    for (const [amount, says] of [
      ['50', /smallest/],
      ['much', /cannot be read/],
    ] as const) {
      await page.fill('#amount', amount);
      await page.click('.path-form .button');
      assert.match(await problemAt(page, 'amount'), says);
      assert.equal(await page.inputValue('#amount'), amount);
    }
    await close();
  });
});
