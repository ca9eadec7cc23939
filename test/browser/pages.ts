import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import type { Page } from 'playwright-core';

// What a customer does on the pages of the paying path, one function a screen.

export const languages = [
  { language: 'zh', tag: 'zh-Hans' },
  { language: 'en', tag: 'en' },
  { language: 'ru', tag: 'ru' },
  { language: 'kk', tag: 'kk' },
] as const;

export const mobile = { width: 360, height: 740 };
export const desktop = { width: 1280, height: 860 };

/** Tests come through a proxy on this machine, each visitor with an address of their own: limits are for one visitor. */
export const throughProxy = { SAPAR_TRUST_PROXY: '127.0.0.1' };

export function asVisitor(): { 'x-forwarded-for': string } {
  return { 'x-forwarded-for': [10, randomInt(256), randomInt(256), randomInt(1, 255)].join('.') };
}

/** A number nobody has used. Its last three digits are what the simulated operator takes for a wish; 800 is credited at once. */
export function freshNumber(prefix = '701', wish = '800'): string {
  return `7${prefix}${String(randomInt(10_000)).padStart(4, '0')}${wish}`;
}

/** Grouped 3-3-4, as it is read back. */
export function grouped(msisdn: string): string {
  return `+7 ${msisdn.slice(1, 4)} ${msisdn.slice(4, 7)} ${msisdn.slice(7)}`;
}

/** Presses the page's own button and waits for the page that has `next` on it. */
async function submit(page: Page, next: string): Promise<void> {
  await page.click('.path-form .button.wide');
  await page.waitForSelector(next);
}

export async function giveNumber(page: Page, number: string, next = '#other'): Promise<void> {
  await page.fill('#number', number);
  await submit(page, next);
}

export type Choice = { amount?: string; other?: string; currency?: string; method?: string };

export async function choose(page: Page, { amount, other, currency, method }: Choice, next = '.bill'): Promise<void> {
  if (currency !== undefined) {
    await page.click(`.pill[value="${currency}"]`);
    await page.waitForSelector(`.pill[value="${currency}"][aria-pressed="true"]`);
  }
  if (amount !== undefined) await page.check(`input[name=amount][value="${amount}"]`);
  if (other !== undefined) {
    await page.check('input[name=amount][value=other]');
    await page.fill('#other', other);
  }
  if (method !== undefined) await page.check(`input[name=method][value="${method}"]`);
  await submit(page, next);
}

/** Agrees, and lands on the payment service's own page. */
export async function pay(page: Page): Promise<void> {
  await page.click('.bill .button.wide');
  await page.waitForSelector('button[value=pay]');
}

/** What a payer does on the simulated payment service's page. */
export async function atService(page: Page, outcome: 'pay' | 'decline' | 'leave'): Promise<void> {
  await page.click(`button[value=${outcome}]`);
  await page.waitForSelector('.status');
}

/** From the first page to the check, in one go. */
export async function toReview(page: Page, url: string, choice: Choice & { number?: string } = {}): Promise<string> {
  await page.goto(url);
  await giveNumber(page, choice.number ?? freshNumber());
  await choose(page, { amount: '1000.00', method: 'stripe', ...choice });
  return orderOf(page);
}

/** The id of the order in the page's address. */
export function orderOf(page: Page): string {
  const [, , , id = ''] = new URL(page.url()).pathname.split('/');
  assert.match(id, /^[0-9a-f-]{36}$/);
  return id;
}

export const pathOf = (page: Page): string => new URL(page.url()).pathname;

/** What the page says the order has come to. */
export const tone = async (page: Page): Promise<string | null> => page.getAttribute('.status', 'data-tone');

export const untilTone = (page: Page, wanted: string): Promise<unknown> =>
  page.waitForSelector(`.status[data-tone="${wanted}"]`, { timeout: 20_000 });

/** What is wrong is said at the top with a way to the field, in the same words at the field, and in the title; answers the words. */
export async function problemAt(page: Page, field: string): Promise<string> {
  await page.waitForSelector('.problems:focus');
  assert.match(await page.title(), /^(Error|错误|Ошибка|Қате)/);
  const said = (await page.textContent(`#${field}-problem`)) ?? '';
  assert.equal(await page.textContent(`.problems a[href="#${field}"]`), said);
  assert.equal(await page.locator(`#${field}`).count(), 1, 'the way leads somewhere');
  return said;
}
