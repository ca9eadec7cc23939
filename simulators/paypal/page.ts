import { parseForm, textAt } from '../wire/form.ts';
import { html, moneyText, page } from '../wire/page.ts';
import { type Answer, type Call, seeOther } from '../wire/server.ts';
import { fill, pageTexts } from '../wire/texts.ts';
import { type Funding, findOrder, type StoredOrder } from './account.ts';
import type { Paypal } from './context.ts';
import { approve, LATE_SECONDS } from './orders.ts';
import { paypalTexts } from './texts.ts';

const LATE_SECONDS_MAX = 7 * 24 * 60 * 60;

const fundings: ReadonlyMap<string, Funding> = new Map([
  ['pay', 'good'],
  ['stay', 'good'],
  ['decline', 'declined'],
  ['late', 'late'],
  ['late_fail', 'late-fail'],
]);

/** GET /checkoutnow?token=… The page a payer is sent to. It is a plain form: a test posts `outcome=pay` to the same address. */
export function showPage({ account }: Paypal, call: Call): Answer {
  const order = findOrder(account, call.query.get('token') ?? '');
  const { language, texts } = pageTexts(order?.locale ?? call.headers['accept-language']);
  const own = paypalTexts(language);
  const frame = { language, notice: fill(texts.notice, { name: 'PayPal' }), title: `${texts.title} · PayPal` };
  if (order === undefined) return page({ ...frame, body: html`<p class="card">${texts.unknown}</p>` }, 404);
  const { amount, description, invoice_id: invoice } = order.unit;
  const about = html`<h1>${description}</h1>
<p class="amount">${moneyText(amount.value, amount.currency_code, language)}</p>
<dl><dt>${texts.order}</dt><dd>${invoice ?? order.id}</dd></dl>`;
  const isOver = order.status === 'COMPLETED' || order.status === 'VOIDED';
  if (isOver || (order.status === 'APPROVED' && !order.declined)) {
    const back = html`<a class="button" href="${addressOf(order, 'return')}">${texts.back}</a>`;
    const said = order.status === 'COMPLETED' ? texts.paid : order.status === 'VOIDED' ? texts.expired : own.approved;
    return page({ ...frame, body: html`<div class="card">${about}<p role="status">${said}</p>${back}</div>` });
  }
  const alert = order.declined ? html`<p class="alert" role="alert">${texts.declined}</p>` : undefined;
  return page({
    ...frame,
    body: html`<div class="card">${about}${alert}
<form method="post">
<button class="first" name="outcome" value="pay">${own.pay}</button>
<button name="outcome" value="stay">${own.stay}<small>${own.stayNote}</small></button>
<button name="outcome" value="decline">${texts.decline}</button>
<button name="outcome" value="late">${texts.late}<small>${fill(texts.lateNote, { seconds: String(LATE_SECONDS) })}</small></button>
<button name="outcome" value="late_fail">${texts.lateFail}</button>
<button name="outcome" value="leave">${texts.leave}</button>
</form></div>`,
  });
}

export function postPage(paypal: Paypal, call: Call): Answer {
  const order = findOrder(paypal.account, call.query.get('token') ?? '');
  const form = parseForm(call.body.toString('utf8'));
  const outcome = textAt(form, 'outcome') ?? '';
  const seconds = Number(textAt(form, 'seconds') ?? LATE_SECONDS) || 0;
  if (order === undefined || order.status === 'COMPLETED' || order.status === 'VOIDED') return showPage(paypal, call);
  if (outcome === 'leave') return seeOther(addressOf(order, 'cancel'));
  const funding = fundings.get(outcome);
  if (funding === undefined) return showPage(paypal, call);
  approve(paypal, order, { funding, lateSeconds: Math.min(LATE_SECONDS_MAX, Math.max(0, seconds)) });
  // Whoever closes the page does not come back; the webhook alone tells the shop.
  return outcome === 'stay' ? showPage(paypal, call) : seeOther(addressOf(order, 'return'));
}

/** PayPal adds the order and the payer to the shop's addresses. Orders made without a wallet know none. */
function addressOf(order: StoredOrder, which: 'return' | 'cancel'): string {
  const address = URL.parse((which === 'return' ? order.returnUrl : order.cancelUrl) ?? '');
  if (address === null) return `/checkoutnow?token=${order.id}`;
  address.searchParams.set('token', order.id);
  if (which === 'return') address.searchParams.set('PayerID', 'SIMULATEDPAYER');
  return address.href;
}
