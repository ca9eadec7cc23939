import { parseForm, textAt } from '../wire/form.ts';
import { html, moneyText, page } from '../wire/page.ts';
import { type Answer, type Call, type Routes, seeOther } from '../wire/server.ts';
import { fill, pageTexts } from '../wire/texts.ts';
import { type Account, outcomes } from './account.ts';
import type { Session } from './objects.ts';

/** A slow payment ends after this long where the form does not say. */
const LATE_SECONDS = 20;
const LATE_SECONDS_MAX = 7 * 24 * 60 * 60;

/** The page a payer is sent to. It is a plain form: a test posts `outcome=pay` to the same address. */
export function pageRoutes(account: Account): Routes {
  return {
    'GET /c/pay/:id': (call) => {
      account.tick();
      return show(account, call, false);
    },
    'POST /c/pay/:id': (call) => {
      account.tick();
      return post(account, call);
    },
  };
}

function post(account: Account, call: Call): Answer {
  const session = account.sessions.get(call.params.id ?? '');
  if (session?.status !== 'open') return show(account, call, false);
  const form = parseForm(call.body.toString('utf8'));
  const wanted = textAt(form, 'outcome');
  if (wanted === 'leave') return seeOther(session.cancel_url ?? session.success_url);
  const outcome = outcomes.find((name) => name === wanted);
  if (outcome === undefined) return show(account, call, false);
  const seconds = Number(textAt(form, 'seconds') ?? LATE_SECONDS);
  const acted = account.act(session.id, outcome, Math.min(LATE_SECONDS_MAX, Math.max(0, seconds || 0)));
  if (acted.status === 'open') return show(account, call, true);
  return seeOther(session.success_url.replaceAll('{CHECKOUT_SESSION_ID}', session.id));
}

function show(account: Account, call: Call, isDeclined: boolean): Answer {
  const session = account.sessions.get(call.params.id ?? '');
  const wanted =
    session?.locale === 'auto' || session?.locale == null ? call.headers['accept-language'] : session.locale;
  const { language, texts } = pageTexts(wanted);
  const notice = fill(texts.notice, { name: 'Stripe' });
  const frame = { language, notice, title: `${texts.title} · Stripe` };
  if (session === undefined) return page({ ...frame, body: html`<p class="card">${texts.unknown}</p>` }, 404);
  const money = moneyText((session.amount_total / 100).toFixed(2), session.currency.toUpperCase(), language);
  const about = html`<h1>${account.openings.get(session.id)?.name}</h1>
<p class="amount">${money}</p>
<dl><dt>${texts.order}</dt><dd>${session.metadata.order ?? session.client_reference_id ?? session.id}</dd></dl>`;
  if (session.status !== 'open') {
    const back = session.status === 'complete' ? session.success_url : session.cancel_url;
    const said =
      session.status === 'expired' ? texts.expired : session.payment_status === 'paid' ? texts.paid : texts.pending;
    const link = back === null ? undefined : html`<a class="button" href="${filled(back, session)}">${texts.back}</a>`;
    return page({ ...frame, body: html`<div class="card">${about}<p role="status">${said}</p>${link}</div>` });
  }
  const alert = isDeclined ? html`<p class="alert" role="alert">${texts.declined}</p>` : undefined;
  return page({
    ...frame,
    body: html`<div class="card">${about}${alert}
<form method="post">
<button class="first" name="outcome" value="pay">${texts.pay}</button>
<button name="outcome" value="decline">${texts.decline}</button>
<button name="outcome" value="late">${texts.late}<small>${fill(texts.lateNote, { seconds: String(LATE_SECONDS) })}</small></button>
<button name="outcome" value="late_fail">${texts.lateFail}</button>
<button name="outcome" value="leave">${texts.leave}</button>
</form></div>`,
  });
}

function filled(url: string, session: Session): string {
  return url.replaceAll('{CHECKOUT_SESSION_ID}', session.id);
}
