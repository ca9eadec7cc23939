/**
 * Top-ups: a number is credited from a partner's float, by an agent or by a card, exactly once, in lane batches; or somebody orders it, pays, and it is delivered or the
 * money goes back. Composes the layers below into one transaction each; channels call nothing below it to move money.
 */
export { type AgentPay, type AgentPayment, agentPaymentId } from './agent_payments.ts';
export type { Asked, Correction, PriceLine, Recipient } from './choose.ts';
export type { Mail } from './contact.ts';
export type { Credit, Topup } from './credit.ts';
export { createDamagedCards, type DamagedCards, type SerialVote } from './damaged.ts';
export { type Order, type OrderState, orderStates } from './order.ts';
export type { Alarm, OrdersDeps, Patience } from './order_context.ts';
export type { OrderFile, OrderView } from './order_view.ts';
export { type CurrencyView, createOrders, type LinkView, type Method, type Orders } from './orders.ts';
export type { Redemption } from './redeem.ts';
export { type Acting, createStaffOrders, type Decision, type StaffOrders } from './staff_orders.ts';
export {
  createTopups,
  type Redeem,
  type RedeemSerial,
  type TopupLane,
  type Topups,
  type TopupsOptions,
} from './topups.ts';
