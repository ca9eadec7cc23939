import { type Checkout, checkoutPage, type Shown } from '../wire/checkout.ts';
import type { Call, Routes } from '../wire/server.ts';
import type { Account } from './account.ts';
import type { Session } from './objects.ts';

/** The hosted page of a session, where Stripe has its own. */
export function pageRoutes(account: Account): Routes {
  const checkout: Checkout = {
    name: 'Stripe',
    find(id) {
      const session = account.sessions.get(id);
      return session && shownOf(session, account.openings.get(id)?.name ?? '');
    },
    act: (id, outcome, seconds) => void account.act(id, outcome, seconds),
  };
  const handle = (call: Call): ReturnType<typeof checkoutPage> => {
    account.tick();
    return checkoutPage(checkout, call);
  };
  return { 'GET /c/pay/:id': handle, 'POST /c/pay/:id': handle };
}

function shownOf(session: Session, description: string): Shown {
  const doneUrl = session.success_url.replaceAll('{CHECKOUT_SESSION_ID}', session.id);
  return {
    state: stateOf(session),
    description,
    order: session.metadata.order ?? session.client_reference_id ?? session.id,
    amount: (session.amount_total / 100).toFixed(2),
    currency: session.currency.toUpperCase(),
    language: session.locale === 'auto' ? undefined : (session.locale ?? undefined),
    doneUrl,
    leaveUrl: session.cancel_url ?? doneUrl,
  };
}

function stateOf({ status, payment_status }: Session): Shown['state'] {
  if (status !== 'complete') return status;
  return payment_status === 'paid' ? 'paid' : 'pending';
}
