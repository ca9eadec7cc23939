import { existsSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Undefined where there is a browser; else the reason for skipping. */
export const noBrowser = existsSync(executablePath) ? undefined : `no Chromium at ${executablePath}`;

/** Headless, and silent on the network but for the pages asked for. */
export function launchBrowser(more: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...more,
    ],
  });
}

/** A page of a fresh visitor, with what went wrong in it: errors of script and policy, and requests to anywhere else. */
export type Visit = { readonly page: Page; readonly faults: string[]; close(): Promise<void> };

export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ locale: 'en-US', ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    // The browser notes every 404 and 422 as an error; those are looked at where they are expected.
    const status = /^Failed to load resource: the server responded with a status of 4/.test(message.text());
    if (message.type() === 'error' && !status) faults.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) faults.push(`asked ${request.url()}`);
  });
  return { page, faults, close: () => context.close() };
}

/** What axe finds against WCAG 2.2 AA and its own good practice, as lines to read. */
export async function axeFindings(page: Page, except: string[] = []): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).disableRules(except).analyze();
  return violations.map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`,
  );
}

/** How far the page is wider than its window, in CSS pixels. */
export function overflow(page: Page): Promise<number> {
  // Text, not a function: the checked world of the tests has no document.
  return page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
}
