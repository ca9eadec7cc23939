import { parseForm, textAt } from './form.ts';
import { html, moneyText, page } from './page.ts';
import { type Answer, type Call, seeOther } from './server.ts';
import { fill, pageTexts } from './texts.ts';

/** What a payer can do on a hosted page that takes cards, besides leaving it. */
export const outcomes = ['pay', 'decline', 'late', 'late_fail'] as const;
export type Outcome = (typeof outcomes)[number];

/** What the page shows of a payment. */
export type Shown = {
  readonly state: 'open' | 'paid' | 'pending' | 'refused' | 'expired';
  readonly description: string;
  readonly order: string;
  /** Decimal text. */
  readonly amount: string;
  readonly currency: string;
  /** Undefined: the browser's. */
  readonly language: string | undefined;
  /** Where the payer goes after paying, and without. */
  readonly doneUrl: string;
  readonly leaveUrl: string;
};

export type Checkout = {
  /** Who is simulated. */
  readonly name: string;
  find(id: string): Shown | undefined;
  /** Does what the payer has chosen, on an open payment; a slow payment ends after `seconds`. */
  act(id: string, outcome: Outcome, seconds: number): void;
};

/** A slow payment ends after this long where the form does not say. */
const LATE_SECONDS = 20;
const LATE_SECONDS_MAX = 7 * 24 * 60 * 60;

/**
 * The page of a payment, by GET and by POST of its form, for a route with `:id`. It is a form without script: a test posts `outcome=pay`
 * to the same address.
 */
export function checkoutPage(checkout: Checkout, call: Call): Answer {
  const id = call.params.id ?? '';
  const shown = checkout.find(id);
  if (call.method !== 'POST' || shown?.state !== 'open') return show(checkout, call, { shown });
  const form = parseForm(call.body.toString('utf8'));
  const wanted = textAt(form, 'outcome');
  if (wanted === 'leave') return seeOther(shown.leaveUrl);
  const outcome = outcomes.find((name) => name === wanted);
  if (outcome === undefined) return show(checkout, call, { shown });
  const seconds = Number(textAt(form, 'seconds') ?? LATE_SECONDS) || 0;
  checkout.act(id, outcome, Math.min(LATE_SECONDS_MAX, Math.max(0, seconds)));
  return outcome === 'decline' ? show(checkout, call, { shown, isDeclined: true }) : seeOther(shown.doneUrl);
}

function show(checkout: Checkout, call: Call, seen: { shown: Shown | undefined; isDeclined?: boolean }): Answer {
  const { shown, isDeclined = false } = seen;
  const { language, texts } = pageTexts(shown?.language ?? call.headers['accept-language']);
  const notice = fill(texts.notice, { name: checkout.name });
  const frame = { language, notice, title: `${texts.title} · ${checkout.name}` };
  if (shown === undefined) return page({ ...frame, body: html`<p class="card">${texts.unknown}</p>` }, 404);
  const about = html`<h1>${shown.description}</h1>
<p class="amount">${moneyText(shown.amount, shown.currency, language)}</p>
<dl><dt>${texts.order}</dt><dd>${shown.order}</dd></dl>`;
  if (shown.state !== 'open') {
    const said = { ...texts, refused: texts.declined }[shown.state];
    const back = shown.state === 'expired' || shown.state === 'refused' ? shown.leaveUrl : shown.doneUrl;
    const link = html`<a class="button" href="${back}">${texts.back}</a>`;
    return page({ ...frame, body: html`<div class="card">${about}<p role="status">${said}</p>${link}</div>` });
  }
  const alert = isDeclined ? html`<p class="alert" role="alert">${texts.declined}</p>` : undefined;
  const lateNote = fill(texts.lateNote, { seconds: String(LATE_SECONDS) });
  return page({
    ...frame,
    body: html`<div class="card">${about}${alert}
<form method="post">
<button class="first" name="outcome" value="pay">${texts.pay}</button>
<button name="outcome" value="decline">${texts.decline}</button>
<button name="outcome" value="late">${texts.late}<small>${lateNote}</small></button>
<button name="outcome" value="late_fail">${texts.lateFail}</button>
<button name="outcome" value="leave">${texts.leave}</button>
</form></div>`,
  });
}
