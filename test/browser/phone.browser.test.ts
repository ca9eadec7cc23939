import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { startApp } from '../support/app.ts';
import { axeFindings, launchBrowser, noBrowser, overflow, type Visit, visit } from '../support/browser.ts';

const languages = [
  { language: 'zh', tag: 'zh-Hans', name: '中文' },
  { language: 'en', tag: 'en', name: 'English' },
  { language: 'ru', tag: 'ru', name: 'Русский' },
  { language: 'kk', tag: 'kk', name: 'Қазақша' },
];

const desktop = { width: 1280, height: 860 };
const mobile = { width: 360, height: 740 };

/** A number nobody has used, so that each walk starts from nothing. */
function freshNumber(): string {
  return `+7 701 ${randomInt(100, 999)} ${String(randomInt(10_000)).padStart(4, '0')}`;
}

async function dial(page: Page, number: string, code = '*111*'): Promise<void> {
  await page.fill('#number', number);
  await page.fill('#code', code);
  await page.click('#phone .answer button');
  await page.waitForSelector('.screen-text');
}

/** Gives an answer, and waits for the page whose path of answers ends with it. */
async function answer(page: Page, input: string, give: () => Promise<void>): Promise<void> {
  const path = await page.inputValue('[name=text]');
  await give();
  const longer = path === '' ? input : `${path}*${input}`;
  await page.waitForSelector(`[name=text][value="${longer}"]`, { state: 'attached' });
}

async function firstPin(page: Page): Promise<string> {
  return (await page.getAttribute('.cards li:first-child button', 'value')) ?? '';
}

/** Uses the first card that is still good, and confirms. */
async function redeem(page: Page): Promise<void> {
  await answer(page, await firstPin(page), () => page.click('.cards li:first-child button'));
  await page.fill('#answer', '1');
  await answer(page, '1', () => page.click('#phone .answer button'));
  await page.waitForSelector('.mark[data-state=ended]');
}

const balance = (page: Page): Promise<string> => page.locator('.buckets dd').first().innerText();

describe('the demo phone in a browser', { skip: noBrowser }, () => {
  let app: Awaited<ReturnType<typeof startApp>>;
  let browser: Browser;

  before(async () => {
    [app, browser] = await Promise.all([startApp(), launchBrowser()]);
  });
  after(async () => {
    await browser?.close();
    await app?.close();
  });

  const open = async (path: string, options?: BrowserContextOptions): Promise<Visit> => {
    const visitor = await visit(browser, app.url, options);
    await visitor.page.goto(`${app.url}${path}`, { waitUntil: 'load' });
    return visitor;
  };

  for (const { language, tag } of languages) {
    for (const viewport of [mobile, desktop]) {
      for (const javaScriptEnabled of [true, false]) {
        const script = javaScriptEnabled ? 'with' : 'without';
        test(`a card is credited once, ${script} script, in ${language}, ${viewport.width} px wide`, async () => {
          const { page, faults, close } = await open(`/${language}/phone`, { viewport, javaScriptEnabled });
          assert.equal(await page.getAttribute('html', 'lang'), tag);
          await dial(page, freshNumber());
          assert.equal(await page.textContent('.mark'), 'CON');
          await page.waitForSelector('#answer:focus');
          await redeem(page);
          assert.equal(await page.locator('.movements .fresh').count(), 1);
          const credited = await balance(page);

          await page.click('[data-again]');
          await page.waitForSelector('.screen-notice');
          assert.equal(await page.locator('.movements .fresh').count(), 0);
          assert.equal(await page.locator('.movements tbody tr').count(), 1);
          assert.equal(await balance(page), credited);
          assert.equal(await overflow(page), 0);
          assert.deepEqual(faults, []);
          await close();
        });
      }
    }

    test(`nothing for axe to find, and nothing cut off, in ${language}`, async () => {
      const { page, faults, close } = await open(`/${language}`, { viewport: { width: 320, height: 640 } });
      const look = async (where: string): Promise<void> => {
        for (const width of [320, 640, 1280]) {
          await page.setViewportSize({ width, height: 800 });
          assert.equal(await overflow(page), 0, `${where} at ${width} px`);
        }
        assert.deepEqual(await axeFindings(page), [], where);
      };
      await look('home');
      await page.goto(`${app.url}/${language}/nothing`);
      await look('not found');
      await page.goto(`${app.url}/${language}/phone`);
      await look('phone');
      await page.fill('#number', '+7 912 345 67 89');
      await page.click('#phone .answer button');
      await page.waitForSelector('.problems');
      await look('phone with a wrong number');
      await dial(page, freshNumber());
      await look('open dialogue');
      await redeem(page);
      await look('credited');
      assert.deepEqual(faults, []);
      await close();
    });
  }

  test('a card’s code goes in one go, dialled inside the code', async () => {
    const { page, close } = await open('/en/phone');
    const pin = await firstPin(page);
    await dial(page, freshNumber(), `*111*${pin}#`);
    const exchange = await page.locator('.wire').first().innerText();
    assert.match(exchange, new RegExp(`&text=${pin}$`));
    await close();
  });

  test('everything is done by keyboard alone', async () => {
    const { page, close } = await open('/en/phone');
    for (let presses = 0; presses < 20 && !(await page.isVisible('#number:focus')); presses += 1)
      await page.keyboard.press('Tab');
    await page.waitForSelector('#number:focus');
    const number = freshNumber();
    await page.keyboard.press('Control+A');
    await page.keyboard.type(number);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.screen-text');
    const pin = await firstPin(page);
    for (const input of [pin, '1']) {
      await page.waitForSelector('#answer:focus');
      await answer(page, input, async () => {
        await page.keyboard.type(input);
        await page.keyboard.press('Enter');
      });
    }
    assert.equal(await page.textContent('.mark'), 'END');
    assert.equal(await page.locator('.movements .fresh').count(), 1);
    await close();
  });

  for (const javaScriptEnabled of [true, false]) {
    const script = javaScriptEnabled ? 'with' : 'without';
    test(`what is wrong is said at the top and at the field, and what was typed stays, ${script} script`, async () => {
      const { page, close } = await open('/en/phone', { javaScriptEnabled });
      await page.fill('#number', '+7 912 345 67 89');
      await page.fill('#code', '*999#');
      await page.click('#phone .answer button');
      await page.waitForSelector('.problems');
      assert.match(await page.title(), /^Error: /);
      await page.waitForSelector('.problems:focus');
      for (const field of ['number', 'code']) {
        assert.equal(await page.getAttribute(`#${field}`, 'aria-invalid'), 'true');
        const said = await page.textContent(`#${field}-problem`);
        assert.equal(await page.textContent(`.problems a[href="#${field}"]`), said);
      }
      assert.equal(await page.inputValue('#number'), '+7 912 345 67 89');
      assert.equal(await page.inputValue('#code'), '*999#');
      await close();
    });

    test(`an empty answer keeps the screen and sends nothing, ${script} script`, async () => {
      const { page, close } = await open('/en/phone', { javaScriptEnabled });
      await dial(page, freshNumber());
      const text = await page.textContent('.screen-text');
      await page.click('#phone .answer button');
      await page.waitForSelector('#answer-problem');
      assert.equal(await page.textContent('.screen-text'), text);
      assert.equal(await page.locator('.wire').count(), 0);
      await close();
    });

    test(`a call is dropped, redialled and hung up, ${script} script`, async () => {
      const { page, close } = await open('/en/phone', { javaScriptEnabled });
      const number = freshNumber();
      await dial(page, number);
      const session = (): Promise<string> => page.inputValue('[name=session]');
      const first = await session();
      await page.click('.moves button:nth-of-type(2)');
      await page.waitForSelector(`[name=session]:not([value="${first}"])`, { state: 'attached' });
      assert.notEqual(await session(), first);
      await page.click('.moves button:nth-of-type(3)');
      await page.waitForSelector('#number');
      assert.equal(await page.inputValue('#number'), number);
      await close();
    });
  }

  test('what is typed before the script arrives stays', async () => {
    const { page, close } = await visit(browser, app.url);
    let release = (): void => undefined;
    const typed = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route('**/_app/**/*.js', async (route) => {
      await typed;
      await route.continue();
    });
    await page.goto(`${app.url}/en/phone`, { waitUntil: 'commit' });
    const number = freshNumber();
    await page.fill('#number', number);
    release();
    await page.waitForLoadState('networkidle');
    assert.equal(await page.inputValue('#number'), number);
    await close();
  });

  test('a card that another number has used meanwhile is refused, and not offered again', async () => {
    const { page, close } = await open('/en/phone');
    const pin = await firstPin(page);
    const used = await fetch(`${app.url}/v1/vouchers/redemptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${app.partner.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ msisdn: freshNumber(), pin }),
    });
    assert.equal(used.status, 201);
    await dial(page, freshNumber());
    await answer(page, pin, () => page.click('.cards li:first-child button'));
    await page.fill('#answer', '1');
    await answer(page, '1', () => page.click('#phone .answer button'));
    assert.equal(await page.textContent('.mark'), 'CON');
    assert.equal(await page.locator('.movements .fresh').count(), 0);
    assert.notEqual(await firstPin(page), pin);
    await close();
  });

  test('each operator has its own phone', async () => {
    const { page, close } = await open('/en/phone');
    const codes = await page.locator('.operators .code').allInnerTexts();
    assert.deepEqual(codes, ['*111#', '*100#', '*151#']);
    await page.click('.operators a:nth-child(2)');
    assert.equal(await page.inputValue('#code'), '*100#');
    await dial(page, '+7 705 000 00 01', '*100#');
    await close();
  });

  test('the gateway’s secret address never reaches the browser', async () => {
    const { page, close } = await open('/en/phone');
    const secrets = Object.values(app.ussd).map((address) => new URL(address).pathname.split('/').at(-1) ?? '');
    assert.ok(secrets.length > 0 && secrets.every((secret) => secret.length > 8));
    const bodies: string[] = [];
    page.on('response', async (response) => bodies.push(await response.text().catch(() => '')));
    await dial(page, freshNumber());
    await page.reload();
    bodies.push(await page.content());
    for (const secret of secrets) assert.ok(!bodies.some((body) => body.includes(secret)));
    await close();
  });

  test('the language switch has real links and remembers a choice, and only a choice', async () => {
    const { page, close } = await open('/', { locale: 'kk-KZ' });
    const path = (): string => new URL(page.url()).pathname + new URL(page.url()).search;
    assert.equal(path(), '/kk');
    assert.deepEqual(await page.context().cookies(), []);
    const links = await page.locator('.languages a').allInnerTexts();
    assert.deepEqual(
      links,
      languages.map(({ name }) => name),
    );
    for (const { tag, name } of languages)
      assert.equal(await page.getAttribute(`.languages a:text-is("${name}")`, 'hreflang'), tag);
    await page.click('.languages a:text-is("中文")');
    assert.equal(path(), '/zh');
    assert.deepEqual(
      (await page.context().cookies()).map(({ name, value }) => [name, value]),
      [['language', 'zh']],
    );
    await page.goto(app.url);
    assert.equal(path(), '/zh');
    await page.goto(`${app.url}/ru/phone?operator=beeline`);
    assert.equal(await page.getAttribute('html', 'lang'), 'ru', 'an address in a language is never overridden');
    await page.click('.languages a:text-is("Қазақша")');
    assert.equal(path(), '/kk/phone?operator=beeline');
    await close();
  });

  test('dark mode and forced colours leave nothing for axe to find', async () => {
    for (const options of [{ colorScheme: 'dark' }, { forcedColors: 'active' }] as const) {
      const { page, close } = await open('/en/phone', options);
      await dial(page, freshNumber());
      await redeem(page);
      // With forced colours the contrast is the visitor's own choice, and axe reads the colours that were put aside.
      assert.deepEqual(await axeFindings(page, 'forcedColors' in options ? ['color-contrast'] : []), []);
      await close();
    }
  });

  test('letters twice as large fit', async () => {
    const { page, close } = await open('/ru/phone', { viewport: { width: 640, height: 800 } });
    await page.evaluate('document.documentElement.style.fontSize = "200%"');
    await dial(page, freshNumber());
    assert.equal(await overflow(page), 0);
    await close();
  });

  test('the first view stays within its budget', async () => {
    for (const path of ['/kk', '/ru/phone', '/zh/phone']) {
      const visitor = await visit(browser, app.url);
      const sizes: { type: string; bytes: number }[] = [];
      const counted: Promise<void>[] = [];
      visitor.page.on('response', (response) => {
        const type = response.request().resourceType();
        counted.push(
          response
            .request()
            .sizes()
            .then(({ responseBodySize }) => void sizes.push({ type, bytes: responseBodySize })),
        );
      });
      await visitor.page.goto(`${app.url}${path}`, { waitUntil: 'networkidle' });
      await Promise.all(counted);
      const total = (type?: string): number =>
        sizes.filter((one) => type === undefined || one.type === type).reduce((sum, { bytes }) => sum + bytes, 0);
      assert.ok(total('document') <= 14 * 1024, `${path}: first HTML is ${total('document')} bytes`);
      assert.ok(total('script') <= 45 * 1024, `${path}: script is ${total('script')} bytes`);
      assert.ok(total() <= 70 * 1024, `${path}: first view is ${total()} bytes`);
      await visitor.close();
    }
  });

  test('a form from another site is refused, and pages say how they may be used', async () => {
    const body = new URLSearchParams({ number: '+77011234567', code: '*111#' });
    const post = (origin: string): Promise<Response> =>
      fetch(`${app.url}/en/phone?/dial&operator=kcell`, {
        method: 'POST',
        body,
        headers: { origin, accept: 'text/html' },
      });
    assert.equal((await post('https://elsewhere.example')).status, 403);
    const own = await post(app.url);
    assert.equal(own.status, 200);
    const policy = own.headers.get('content-security-policy') ?? '';
    for (const rule of ["default-src 'self'", "frame-ancestors 'none'", "form-action 'self'"])
      assert.ok(policy.includes(rule), rule);
    assert.ok(!policy.includes('unsafe-inline'));
    assert.equal(own.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(own.headers.get('referrer-policy'), 'same-origin');
    assert.equal(own.headers.get('cache-control'), 'no-store');
  });

  test('a page that does not exist says so in its language, with a way out', async () => {
    for (const { language, tag } of languages) {
      const { page, close } = await open(`/${language}/nothing`);
      assert.equal(await page.getAttribute('html', 'lang'), tag);
      await page.click('.actions a');
      assert.equal(new URL(page.url()).pathname, `/${language}`);
      await close();
    }
  });
});
