import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { startEmbedded } from '../../src/db/index.ts';
import { startApp } from '../support/app.ts';
import { axeFindings, launchBrowser, noBrowser, overflow, type Visit, visit } from '../support/browser.ts';
import { ownerPool } from '../support/platform.ts';
import { Shopper } from '../support/shopper.ts';
import {
  asVisitor,
  atService,
  choose,
  desktop,
  freshNumber,
  giveNumber,
  grouped,
  languages,
  mobile,
  orderOf,
  pathOf,
  pay,
  problemAt,
  throughProxy,
  tone,
  toReview,
  untilTone,
} from './pages.ts';

const SERVICE = 'service-key-of-the-site-for-this-test';

/** Subresources come from the site alone; the payment service's own pages are other programs on this machine. */
const isOurs = (fault: string): boolean => !/^asked http:\/\/127\.0\.0\.1:\d+\//.test(fault);

describe('the paying path in a browser', { skip: noBrowser }, () => {
  let app: Awaited<ReturnType<typeof startApp>>;
  let browser: Browser;
  const shopper = new Shopper(() => app.url, SERVICE);

  before(async () => {
    [app, browser] = await Promise.all([
      startApp({ env: { SAPAR_SERVICE_KEY: SERVICE, ...throughProxy } }),
      launchBrowser(),
    ]);
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

  /** An order that has been paid, for a number whose ending says what the operator does with it. */
  const paidOrder = async (prefix: string, wish: string): Promise<string> => {
    const msisdn = freshNumber(prefix, wish);
    const { id, url } = await shopper.placed({ msisdn, currency: 'CNY', method: 'stripe' });
    await shopper.atProvider(url, 'pay');
    return id;
  };

  for (const { language, tag } of languages) {
    for (const viewport of [mobile, desktop]) {
      for (const javaScriptEnabled of [true, false]) {
        const script = javaScriptEnabled ? 'with' : 'without';
        test(`four screens, and the phone has the money: ${script} script, in ${language}, ${viewport.width} px`, async () => {
          const { page, faults, close } = await open(`/${language}/topup`, { viewport, javaScriptEnabled });
          const asked: string[] = [];
          page.on('request', (request) => asked.push(request.url()));
          const number = freshNumber();
          assert.equal(await page.getAttribute('html', 'lang'), tag);
          await giveNumber(page, `8 (${number.slice(1, 4)}) ${number.slice(4, 7)}-${number.slice(7)}`);
          assert.equal(await page.textContent('.readback-number strong'), grouped(number));
          assert.match((await page.textContent('.readback summary')) ?? '', /Kcell/);
          await choose(page, { amount: '2000.00', currency: 'CNY', method: 'stripe' });
          assert.match((await page.textContent('.bill-price strong')) ?? '', /¥/);
          assert.equal(await overflow(page), 0);
          await pay(page);
          await atService(page, 'pay');
          await untilTone(page, 'good');
          assert.equal(await overflow(page), 0);
          const id = orderOf(page);
          assert.equal(pathOf(page), `/${language}/orders/${id}`);
          await page.reload();
          assert.equal(await tone(page), 'good');
          await page.click(`a[href$="/receipt"]`);
          await page.waitForSelector('.receipt');
          assert.equal(await overflow(page), 0);
          const receipt = (await page.textContent('.receipt')) ?? '';
          assert.ok(receipt.includes(`+7 ${number.slice(1, 4)} ••• ${number.slice(7, 9)} ${number.slice(9)}`));
          assert.ok(
            !asked.some((url) => decodeURIComponent(url).includes(number.slice(1))),
            'no address holds a number',
          );
          assert.deepEqual(faults.filter(isOurs), []);
          await close();
        });
      }
    }

    test(`nothing for axe to find, and nothing cut off, on any screen in ${language}`, async () => {
      const { page, faults, close } = await open(`/${language}`, { viewport: { width: 320, height: 640 } });
      const look = async (where: string): Promise<void> => {
        for (const width of [320, 640, 1280]) {
          await page.setViewportSize({ width, height: 800 });
          assert.equal(await overflow(page), 0, `${where} at ${width} px`);
        }
        assert.deepEqual(await axeFindings(page), [], where);
      };
      const go = async (path: string, where: string): Promise<void> => {
        await page.goto(`${app.url}/${language}${path}`);
        await look(where);
      };
      await go('', 'home');
      await go('/topup', 'number');
      await giveNumber(page, '+7 912 345 67 89', '.problems');
      await look('wrong number');
      await giveNumber(page, freshNumber());
      await look('amount');
      await page.click('.readback summary');
      await look('choice of operator');
      await choose(page, {}, '.problems');
      await look('no amount');
      await choose(page, { other: '20 000' }, '#confirm');
      await look('digits asked again');
      await toReview(page, `${app.url}/${language}/topup`, { currency: 'CNY', method: 'paypal' });
      await look('review with a charge in another currency');
      await page.goto(`${app.url}/${language}/topup/${orderOf(page)}/number`);
      await look('another number');
      for (const outcome of ['leave', 'decline'] as const) {
        await toReview(page, `${app.url}/${language}/topup`);
        await pay(page);
        if (outcome === 'leave') await atService(page, 'leave');
        else await page.goto(`${app.url}/${language}/orders/${await placed(page)}`);
        await look(`waiting for payment (${outcome})`);
      }
      const unknown = await paidOrder('705', '900');
      const refused = await paidOrder('705', '802');
      const refunded = await paidOrder('705', '806');
      await shopper.until(refused, ({ state }) => state === 'refused');
      await shopper.until(refunded, ({ state }) => state === 'refunded');
      await shopper.until(unknown, ({ state }) => state === 'unknown');
      await go(`/orders/${refused}`, 'refused');
      await page.fill('#number', '123');
      await page.click('section[aria-labelledby=correct] .button');
      await page.waitForSelector('.problems');
      await look('refused, with a wrong number');
      await go(`/orders/${refunded}`, 'refunded');
      await go(`/orders/${refunded}/receipt`, 'receipt with a refund');
      await go(`/orders/${unknown}`, 'unknown');
      await go('/orders/00000000-0000-4000-8000-000000000000', 'no such order');
      assert.deepEqual(faults.filter(isOurs), []);
      await close();
    });
  }

  /** The order behind a payment service's page, read from the site's own history. */
  async function placed(page: Page): Promise<string> {
    await page.goBack();
    await page.waitForSelector('.status');
    return orderOf(page);
  }

  test('everything is done by keyboard alone', async () => {
    const { page, close } = await open('/en/topup');
    const reach = async (selector: string): Promise<void> => {
      for (let presses = 0; presses < 40 && !(await page.locator(`${selector}:focus`).count()); presses += 1)
        await page.keyboard.press('Tab');
      await page.waitForSelector(`${selector}:focus`);
    };
    await reach('#number');
    await page.keyboard.type(freshNumber());
    await page.keyboard.press('Enter');
    await page.waitForSelector('#other');
    await reach('#amount');
    await page.keyboard.press('Space');
    await page.keyboard.press('ArrowDown');
    assert.equal(await page.locator('input[name=amount][value="1000.00"]').isChecked(), true);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.bill');
    assert.match((await page.textContent('.facts')) ?? '', /₸1,000/, 'Enter goes on; it presses no currency');
    await reach('.bill .button');
    await page.keyboard.press('Enter');
    await page.waitForSelector('button[value=pay]');
    await atService(page, 'pay');
    await untilTone(page, 'good');
    await close();
  });

  const wrongNumbers: [typed: string, says: RegExp][] = [
    ['', /Type the number/],
    ['+7 912 345 67 89', /Russian/],
    ['+7 727 250 00 00', /landline/],
    ['+86 138 0013 8000', /another country/],
    ['+7 760 123 45 67', /this network/],
    ['12345', /does not look like/],
    ['seven seven zero', /does not look like/],
  ];

  for (const javaScriptEnabled of [true, false]) {
    const script = javaScriptEnabled ? 'with' : 'without';
    test(`a wrong number keeps what was typed and says what is wrong, ${script} script`, async () => {
      const { page, close } = await open('/en/topup', { javaScriptEnabled });
      for (const [typed, says] of wrongNumbers) {
        await giveNumber(page, typed, '.problems');
        assert.match(await problemAt(page, 'number'), says, typed);
        assert.equal(await page.inputValue('#number'), typed);
        assert.equal(await page.getAttribute('#number', 'aria-invalid'), 'true');
      }
      await close();
    });
  }

  const wrongAmounts: [other: string, says: RegExp][] = [
    ['', /Choose an amount/],
    ['50', /smallest/],
    ['60 000', /largest/],
    ['1000.50', /whole tenge/],
    ['a lot', /cannot be read/],
    ['-500', /cannot be read/],
  ];

  test('a wrong amount keeps what was chosen and says what is wrong', async () => {
    const { page, close } = await open('/en/topup');
    await giveNumber(page, freshNumber());
    await choose(page, {}, '.problems');
    assert.match(await problemAt(page, 'amount'), /Choose an amount/);
    await page.check('input[name=method][value=paypal]');
    for (const [other, says] of wrongAmounts) {
      await choose(page, { other }, '.problems');
      assert.match(await problemAt(page, 'other'), says, other);
      assert.equal(await page.inputValue('#other'), other);
      assert.equal(await page.locator('input[name=method][value=paypal]').isChecked(), true);
    }
    await page.fill('#other', '700');
    await choose(page, { amount: '500.00' }, '.problems');
    assert.match(await problemAt(page, 'other'), /Keep one of the two/, 'what was meant is not guessed');
    await choose(page, { other: '1 500 ₸' });
    assert.match((await page.textContent('.facts')) ?? '', /₸1,500/);
    await close();
  });

  test('much money for a new number asks for its last four digits again', async () => {
    const { page, close } = await open('/en/topup');
    const number = freshNumber();
    await giveNumber(page, number);
    await choose(page, { other: '20000', method: 'stripe' }, '#confirm');
    assert.match(await problemAt(page, 'confirm'), /Type the last four digits/);
    await page.fill('#confirm', number.endsWith('0000') ? '1111' : '0000');
    await choose(page, {}, '.problems:focus');
    assert.match(await problemAt(page, 'confirm'), /do not match/);
    await page.fill('#confirm', number.slice(-4));
    await choose(page, {});
    assert.match((await page.textContent('.facts')) ?? '', /₸20,000/);
    await pay(page);
    await close();
  });

  test('number and operator can be changed until the end', async () => {
    const { page, close } = await open('/en/topup');
    await giveNumber(page, freshNumber('705'));
    assert.match((await page.textContent('.readback summary')) ?? '', /Beeline/);
    await page.click('.readback summary');
    await page.check('input[name=operator][value=tele2]');
    await choose(page, { amount: '1000.00', method: 'stripe' });
    assert.match((await page.textContent('.facts')) ?? '', /Tele2/);
    await page.click('.facts a[href$="/number"]');
    const other = freshNumber('701');
    await giveNumber(page, other);
    assert.equal(await page.textContent('.readback-number strong'), grouped(other));
    assert.match((await page.textContent('.readback summary')) ?? '', /Kcell/);
    await close();
  });

  test('before paying a payer reads the price, what it is made of, what the method takes and under which name', async () => {
    const { page, close } = await open('/en/topup');
    await giveNumber(page, freshNumber());
    assert.match((await page.textContent('.method:has([value=paypal])')) ?? '', /With your PayPal/);
    await choose(page, { amount: '2000.00', currency: 'CNY', method: 'paypal' });
    const text = (await page.textContent('main')) ?? '';
    for (const said of [
      /You pay\s*CN¥/,
      /Service fee/,
      /Exchange margin/,
      /1\sCNY\s=\s₸[\d.]+/,
      /National Bank of Kazakhstan/,
    ])
      assert.match(text, said);
    assert.match(text, /PayPal charges\s*\$\d/);
    assert.match(text, /PAYPAL \*SAPAR/);
    assert.match(text, /emergency credit/);
    assert.match(text, /held until \d\d:\d\d \(Astana time\)/);
    assert.match((await page.textContent('.bill .button')) ?? '', /Pay \$\d/, 'the button says what is charged');
    await close();
  });

  test('two clicks on Pay are one payment', async () => {
    const { page, close } = await open('/en');
    const id = await toReview(page, `${app.url}/en/topup`);
    await page.dblclick('.bill .button.wide');
    await page.waitForSelector('button[value=pay]');
    await atService(page, 'pay');
    await untilTone(page, 'good');
    const { body } = await shopper.call('GET', `/v1/orders/${id}`);
    assert.deepEqual(body.refunds, [], 'nothing was paid twice');
    assert.equal(Reflect.get(Object(Reflect.get(body, 'payment')), 'no'), 1);
    await close();
  });

  test('what another window has changed is shown before it is paid', async () => {
    const { page, close } = await open('/en');
    const id = await toReview(page, `${app.url}/en/topup`);
    const other = await page.context().newPage();
    await other.goto(`${app.url}/en/topup/${id}`);
    await choose(other, { amount: '5000.00' });
    await page.click('.bill .button.wide');
    await page.waitForSelector('.problems:focus');
    assert.match((await page.textContent('.problems')) ?? '', /changed meanwhile/);
    assert.match((await page.textContent('.facts')) ?? '', /₸5,000/);
    await pay(page);
    assert.match((await page.textContent('body')) ?? '', /₸5,000/);
    // The other window, still on the check, finds the same payment.
    await pay(other);
    assert.equal(other.url(), page.url());
    await close();
  });

  test('back from the payment service, reload and a second window show the same order', async () => {
    const { page, close } = await open('/en');
    const id = await toReview(page, `${app.url}/en/topup`);
    await pay(page);
    const service = page.url();
    await page.goBack();
    await page.waitForSelector('.status');
    assert.equal(pathOf(page), `/en/orders/${id}`, 'there is nothing left to choose, so the order is shown');
    assert.equal(await page.getAttribute('.status ~ .actions a', 'href'), service);
    await page.reload();
    for (const path of [`/en/topup/${id}`, `/en/topup/${id}/review`, `/en/topup/${id}/number`]) {
      await page.goto(`${app.url}${path}`);
      assert.equal(pathOf(page), `/en/orders/${id}`, path);
    }
    await page.click('.status ~ .actions a');
    await atService(page, 'pay');
    await untilTone(page, 'good');
    await close();
  });

  test('who leaves the payment service can go on, or change the order and pay once', async () => {
    const { page, close } = await open('/en');
    const id = await toReview(page, `${app.url}/en/topup`);
    await pay(page);
    await atService(page, 'leave');
    assert.equal(await tone(page), 'wait');
    await page.click('form[action="?/revise"] button');
    await page.waitForSelector('#other');
    assert.equal(pathOf(page), `/en/topup/${id}`);
    await choose(page, { amount: '3000.00', method: 'sandbox' });
    await pay(page);
    await atService(page, 'pay');
    await untilTone(page, 'good');
    assert.match((await page.textContent('.status h1')) ?? '', /₸3,000/);
    await close();
  });

  test('a price whose time is over is shown anew before it is paid', async () => {
    const { page, close } = await open('/en');
    const id = await toReview(page, `${app.url}/en/topup`);
    const database = await startEmbedded({ dataDir: join(app.dataDir, 'postgres'), log: () => undefined });
    assert.ok(database.adopted, 'it is the database of the running platform');
    const owner = ownerPool(database.url);
    const end = (seconds: number): Promise<unknown> =>
      owner.query(
        'update topup_order set quote_expires_at = clock_timestamp() + make_interval(secs => $2) where id = $1',
        [id, seconds],
      );
    try {
      await end(2);
      await page.reload();
      await delay(2_000);
      await page.click('.bill .button.wide');
      await page.waitForSelector('.problems:focus');
      assert.match((await page.textContent('.problems')) ?? '', /has ended/);
      assert.equal(await page.locator('form[action="?/pay"]').count(), 1, 'the new price can be paid at once');
      await end(-1);
      await page.goto(`${app.url}/en/topup/${id}/review`);
      assert.match((await page.textContent('.bill')) ?? '', /time for this price is over/);
      assert.equal(await page.locator('form[action="?/pay"]').count(), 0);
      await page.click('form[action="?/fresh"] button');
      await page.waitForSelector('form[action="?/pay"]');
      await pay(page);
    } finally {
      await owner.end();
      await database.stop();
    }
    await close();
  });

  test('with script the page tells each news by itself, to those who listen too', async () => {
    const { id, url } = await shopper.placed({ msisdn: freshNumber('705', '100'), currency: 'KZT', method: 'stripe' });
    const { page, faults, close } = await open(`/en/orders/${id}`);
    assert.equal(await page.getAttribute('.status-words', 'aria-live'), 'polite');
    assert.match((await page.textContent('.status h1')) ?? '', /Waiting for your payment/);
    await shopper.atProvider(url, 'pay');
    await page.waitForSelector('.road li[data-state=now]');
    await untilTone(page, 'good');
    assert.match((await page.textContent('.status h1')) ?? '', /₸1,000 is on the phone/);
    assert.equal(await page.locator('a[href$="/receipt"]').count(), 1);
    assert.deepEqual(faults.filter(isOurs), []);
    await close();
  });

  test('a lost connection is said with the time of what is shown, and taken back when it is over', async () => {
    const { id } = await shopper.placed({ msisdn: freshNumber(), currency: 'KZT', method: 'stripe' });
    const { page, close } = await visit(browser, app.url, { extraHTTPHeaders: asVisitor() });
    await page.route('**/events', (route) => route.abort());
    await page.goto(`${app.url}/en/orders/${id}`);
    await page.waitForSelector('main .note', { timeout: 15_000 });
    assert.match((await page.textContent('main .note')) ?? '', /No connection.*\d\d:\d\d \(Astana time\)/);
    await page.unroute('**/events');
    await page.waitForSelector('main .note', { state: 'detached', timeout: 20_000 });
    await close();
  });

  test('without script the page looks again and again until there is nothing to wait for', async () => {
    const { id, url } = await shopper.placed({ msisdn: freshNumber('705', '800'), currency: 'KZT', method: 'stripe' });
    const { page, close } = await open(`/en/orders/${id}`, { javaScriptEnabled: false });
    assert.ok(Number(await page.getAttribute('meta[http-equiv=refresh]', 'content')) >= 5);
    await shopper.atProvider(url, 'pay');
    await untilTone(page, 'good');
    assert.equal(await page.locator('meta[http-equiv=refresh]').count(), 0);
    await close();
  });

  for (const javaScriptEnabled of [true, false]) {
    const script = javaScriptEnabled ? 'with' : 'without';
    test(`a refused number is corrected on the page, and the money goes there, ${script} script`, async () => {
      const id = await paidOrder('705', '802');
      await shopper.until(id, ({ state }) => state === 'refused');
      const { page, close } = await open(`/en/orders/${id}`, { javaScriptEnabled });
      assert.equal(await tone(page), 'wrong');
      assert.match(
        (await page.textContent('.status')) ?? '',
        /does not know this number.*refund starts by itself: \d\d:\d\d/s,
      );
      await page.fill('#number', '12345');
      await page.click('form[action="?/correct"] .button');
      assert.match(await problemAt(page, 'number'), /does not look like/);
      assert.equal(await page.inputValue('#number'), '12345');
      await page.fill('#number', freshNumber('705'));
      await page.click('form[action="?/correct"] .button');
      await untilTone(page, 'good');
      await close();
    });

    test(`a refused number’s money goes back at one click, with the working day, ${script} script`, async () => {
      const id = await paidOrder('707', '803');
      await shopper.until(id, ({ state }) => state === 'refused');
      const { page, close } = await open(`/en/orders/${id}`, { javaScriptEnabled });
      await page.dblclick('form[action="?/refund"] button');
      await untilTone(page, 'ended');
      const said = (await page.textContent('.status')) ?? '';
      assert.match(said, /CN¥[\d.]+ refunded/);
      assert.match(said, /(Monday|Tuesday|Wednesday|Thursday|Friday), \w+ \d+/);
      const { body } = await shopper.call('GET', `/v1/orders/${id}`);
      assert.equal(body.refunds.length, 1);
      await page.click('a[href$="/receipt"]');
      await page.waitForSelector('.receipt');
      assert.equal(await page.locator('a[href*="receipt.pdf?document=refund-1"]').count(), 1);
      await close();
    });
  }

  test('while the operator is silent the page says when it will know more, and that nothing is sent twice', async () => {
    const id = await paidOrder('705', '900');
    await shopper.until(id, ({ state }) => state === 'unknown');
    const { page, close } = await open(`/en/orders/${id}`);
    const said = (await page.textContent('.status')) ?? '';
    assert.match(said, /Still trying: Beeline/);
    assert.match(said, /never send the same top-up twice/);
    assert.match(said, /Next update: \d\d:\d\d \(Astana time\)/);
    assert.match(said, /a person takes over/);
    await close();
  });

  test('another language shows the same page and what was chosen on it', async () => {
    const { page, close } = await open('/en/topup');
    await giveNumber(page, freshNumber());
    await page.click('.pill[value=EUR]');
    await page.waitForSelector('.pill[value=EUR][aria-pressed=true]');
    await page.click('.languages a:text-is("Русский")');
    await page.waitForSelector('html[lang=ru]');
    assert.equal(await page.getAttribute('.pill[value=EUR]', 'aria-pressed'), 'true');
    await choose(page, { amount: '1000.00', method: 'stripe' });
    await page.click('.languages a:text-is("中文")');
    await page.waitForSelector('html[lang=zh-Hans]');
    assert.equal(await page.locator('.bill').count(), 1);
    await close();
  });

  test('dark mode, forced colours and letters twice as large lose nothing', async () => {
    for (const options of [{ colorScheme: 'dark' }, { forcedColors: 'active' }] as const) {
      const { page, close } = await open('/ru/topup', { viewport: mobile, ...options });
      const except = 'forcedColors' in options ? ['color-contrast'] : [];
      await giveNumber(page, freshNumber());
      assert.deepEqual(await axeFindings(page, except), []);
      await choose(page, { amount: '1000.00', method: 'stripe' });
      assert.deepEqual(await axeFindings(page, except), []);
      await pay(page);
      await atService(page, 'pay');
      await untilTone(page, 'good');
      assert.deepEqual(await axeFindings(page, except), []);
      await close();
    }
    const { page, close } = await open('/ru/topup', { viewport: { width: 640, height: 800 } });
    const enlarge = (): Promise<unknown> => page.evaluate('document.documentElement.style.fontSize = "200%"');
    await enlarge();
    assert.equal(await overflow(page), 0);
    await giveNumber(page, freshNumber());
    await enlarge();
    assert.equal(await overflow(page), 0);
    await choose(page, { amount: '1000.00', method: 'stripe' });
    await enlarge();
    assert.equal(await overflow(page), 0);
    await close();
  });

  test('every screen stays within its budget', async () => {
    const id = await paidOrder('701', '800');
    const draft = await shopper.draft(freshNumber());
    const quoted = await shopper.draft(freshNumber());
    await shopper.call('POST', `/v1/orders/${quoted}/quote`, { amount: '1000', currency: 'CNY', method: 'paypal' });
    const { body: link } = await shopper.call('POST', '/v1/links', { msisdn: freshNumber(), amount: '500' });
    const paths = [
      '',
      '/topup',
      `/topup/${draft}`,
      `/topup/${quoted}/review`,
      `/orders/${id}`,
      `/orders/${id}/receipt`,
    ];
    for (const path of [...paths, '/request', `/request/${link.id}`, `/request/${link.id}/share`, '/redeem']) {
      const { page, close } = await visit(browser, app.url);
      const sizes: { type: string; bytes: number }[] = [];
      const counted: Promise<void>[] = [];
      page.on('response', (response) => {
        const type = response.request().resourceType();
        const size = response.request().sizes();
        if (type !== 'eventsource')
          counted.push(size.then(({ responseBodySize }) => void sizes.push({ type, bytes: responseBodySize })));
      });
      await page.goto(`${app.url}/kk${path}`, { waitUntil: 'networkidle' });
      await Promise.all(counted);
      const total = (type?: string): number =>
        sizes.filter((one) => type === undefined || one.type === type).reduce((sum, { bytes }) => sum + bytes, 0);
      assert.ok(total('document') <= 14 * 1024, `${path}: first HTML is ${total('document')} bytes`);
      assert.ok(total('script') <= 45 * 1024, `${path}: script is ${total('script')} bytes`);
      assert.ok(total() <= 70 * 1024, `${path}: first view is ${total()} bytes`);
      await close();
    }
  });

  test('a visitor who begins orders without end is asked to wait, and nobody else is', async () => {
    const draft = async (visitor: Record<string, string>): Promise<number> => {
      const response = await fetch(`${app.url}/en/topup`, {
        method: 'POST',
        redirect: 'manual',
        headers: { origin: app.url, accept: 'text/html', ...visitor },
        body: new URLSearchParams({ number: '+7 701 123 4567' }),
      });
      if (response.status === 422) assert.match(await response.text(), /Too many requests/);
      return response.status;
    };
    const busy = asVisitor();
    const statuses = await Promise.all(Array.from({ length: 70 }, () => draft(busy)));
    assert.deepEqual(new Set(statuses), new Set([303, 422]));
    assert.equal(await draft(asVisitor()), 303);
  });

  test('pages of an order are for whoever has their address, and the form to pay may lead to the payment services alone', async () => {
    const id = await shopper.draft(freshNumber());
    await shopper.call('POST', `/v1/orders/${id}/quote`, { amount: '1000', currency: 'CNY', method: 'stripe' });
    const review = await fetch(`${app.url}/en/topup/${id}/review`);
    const html = await review.text();
    assert.match(html, /<meta name="robots" content="noindex"/);
    assert.equal(review.headers.get('cache-control'), 'no-store');
    const policy = review.headers.get('content-security-policy') ?? '';
    assert.match(policy, /form-action 'self' http:\/\/127\.0\.0\.1:\d+/);
    const number = await fetch(`${app.url}/en/topup`);
    assert.match(number.headers.get('content-security-policy') ?? '', /form-action 'self';/);
    const first = await number.text();
    assert.ok(!first.includes('noindex'));
    for (const { tag } of languages) assert.ok(first.includes(`hreflang="${tag}"`), tag);
    const missing = await fetch(`${app.url}/en/orders/00000000-0000-4000-8000-000000000000`);
    assert.equal(missing.status, 404);
    const foreign = await fetch(`${app.url}/en/topup/${id}/review?/pay`, {
      method: 'POST',
      headers: { origin: 'https://elsewhere.example', accept: 'text/html' },
      body: new URLSearchParams({ seen: '' }),
    });
    assert.equal(foreign.status, 403);
  });
});
