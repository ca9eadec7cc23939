/**
 * Payments: money that customers pay through providers. Owns payments, refunds, disputes and what providers have told us. A provider's notification and
 * our own enquiry are the same facts; whichever comes first moves the order, the others change nothing. Nothing here awaits the network
 * inside a transaction; the order decides what its money does (src/topups).
 */
export {
  type DisputeFacts,
  type Money,
  type Notification,
  type OpenedPayment,
  type OpenPayment,
  type PaymentFacts,
  type PaymentProvider,
  type PaymentState,
  type ProviderId,
  ProviderUnavailable,
  providerIds,
  type RefundOutcome,
  type RefundRequest,
} from './provider.ts';
export { createPaypal, type PaypalSettings } from './providers/paypal.ts';
export { createSandbox, type SandboxSettings } from './providers/sandbox.ts';
export { createStripe, type StripeSettings } from './providers/stripe.ts';
export {
  addRefunded,
  askRefundsAgain,
  claimRefunds,
  insertRefund,
  moveRefund,
  type Refund,
  type RefundState,
  readRefunds,
  refundsOf,
  takeRefunded,
  upsertDispute,
} from './refund_store.ts';
export {
  askSoon,
  claimPayments,
  currencyOf,
  type EventRow,
  findPayment,
  insertEvent,
  insertPayment,
  movePayment,
  type Payment,
  paymentsOf,
  providerOf,
  readEvents,
  readPayments,
  type StoredState,
  setAsked,
  setOpened,
} from './store.ts';
