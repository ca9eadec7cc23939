import { type Command, Option } from 'commander';
import { idsOfReference, parseUuid, referenceOf, type Uuid } from '../../base/ids.ts';
import { formatAmount, parseAmount } from '../../base/money.ts';
import { Refusal } from '../../base/refusal.ts';
import { type DeliveryRefusal, deliveryRefusals } from '../../delivery/index.ts';
import { type Decision, type OrderFile, type OrderState, orderStates } from '../../topups/index.ts';
import { type Answer, act, argument, ask, type Call, UsageError } from './command.ts';
import { facts, moment, table } from './output.ts';
import type { Cli } from './program.ts';

type Reason = { readonly reason: string };

/** Orders that customers pay: find one, see everything, do one thing about it. */
export function addOrders(orders: Command, cli: Cli): void {
  addFind(orders, cli);
  const show = orders
    .command('show')
    .description('an order with all that has happened to it')
    .argument('<order>', ORDER);
  ask(show, cli, async (call) => showOrder(call, await orderIn(call)));

  const routes = orders.command('routes').description('which way the numbers of each operator are credited');
  ask(routes, cli, async ({ app }) => {
    const rows = app.catalogue.operators().map(({ id }) => [id, app.routes.get(id) ?? 'hosted']);
    return { text: table(['operator', 'route'], rows), data: Object.fromEntries(rows) };
  });

  simple(orders, cli, {
    name: 'requery',
    description: 'ask the provider and the operator now what became of it',
    run: (call, id, acting) => call.app.orders.requery(id, acting),
  });
  simple(orders, cli, {
    name: 'retry',
    description: 'send a refused order again',
    run: (call, id, acting) => call.app.orders.retry(id, acting),
  });
  simple(orders, cli, {
    name: 'close',
    description: 'close a case that holds no money of ours',
    run: (call, id, acting) => call.app.orders.close(id, acting),
  });
  addRefund(orders, cli);
  addCase(orders, cli);
}

const ORDER = 'reference in groups of four, or id';

function addFind(orders: Command, cli: Cli): void {
  const find = orders
    .command('find')
    .description('orders by reference, id or number; or the newest in a state')
    .argument('[text]', 'reference, id, or phone number')
    .addOption(new Option('--state <state>', 'only in this state').choices([...orderStates]));
  ask<{ state?: OrderState }>(find, cli, async ({ app, args, options }) => {
    const text = args[0] === undefined ? undefined : String(args[0]);
    if (text === undefined && options.state === undefined)
      throw new UsageError('say which order: a reference, an id, a number, or --state');
    const found = await app.orders.find({
      ...(text === undefined ? {} : { text }),
      ...(options.state === undefined ? {} : { state: options.state }),
    });
    const rows = found.map((order) => [
      referenceOf(order.id),
      order.state,
      moment(order.stateSince),
      order.operator,
      order.faceMinor === undefined ? '' : `${formatAmount(order.faceMinor, 'KZT')} KZT`,
      order.quote
        ? `${formatAmount(order.quote.chargeMinor, order.quote.chargeCurrency)} ${order.quote.chargeCurrency}`
        : '',
    ]);
    return { text: table(['order', 'state', 'since', 'operator', 'phone gets', 'charged'], rows), data: found };
  });
}

/** Finds the one order that was named: the id it has, or the only order of a reference. */
async function orderIn({ app, args }: Pick<Call<unknown>, 'app' | 'args'>): Promise<Uuid> {
  const text = String(args[0]);
  const id = parseUuid(text);
  if (id) return id;
  const [found] = idsOfReference(text) ? await app.orders.find({ text }) : [];
  if (!found) throw new Refusal('order.not_found');
  return found.id;
}

type Simple = {
  readonly name: string;
  readonly description: string;
  readonly run: (call: Call<Reason>, id: Uuid, acting: { actor: string; reason: string }) => Promise<void>;
};

/** A verb that needs an order, a reason and somebody's name, and shows the order afterwards. */
function simple(orders: Command, cli: Cli, { name, description, run }: Simple): void {
  act<Reason>(withReason(orders.command(name).description(description)), cli, async (call) => {
    const id = await orderIn(call);
    await run(call, id, { actor: call.actor, reason: call.options.reason });
    return showOrder(call, id);
  });
}

function withReason(command: Command): Command {
  return command.argument('<order>', ORDER).requiredOption('--reason <text>', 'why; kept in the audit trail');
}

function addRefund(orders: Command, cli: Cli): void {
  const refund = withReason(
    orders.command('refund').description('give the money back: all that is left, or part of a delivered order'),
  ).option('--amount <amount>', 'in the currency that was charged', argument(decimalText));
  act<Reason & { amount?: string }>(refund, cli, async (call) => {
    const id = await orderIn(call);
    const { quote } = (await call.app.orders.show(id)).view;
    const currency = quote?.charge.currency ?? 'KZT';
    const { amount, reason } = call.options;
    const amountMinor = amount === undefined ? undefined : parseAmount(amount, currency);
    await call.app.orders.refund(id, { actor: call.actor, reason, amountMinor });
    return showOrder(call, id);
  });
}

function decimalText(text: string): string {
  if (!/^\d{1,12}(\.\d{1,2})?$/.test(text)) throw new Error("It is an amount, like '12.50'.");
  return text;
}

function addCase(orders: Command, cli: Cli): void {
  const decide = withReason(
    orders.command('case').description('settle an order whose outcome was learned from the operator by other means'),
  )
    .option('--delivered <operator-reference>', 'the operator has credited the number')
    .addOption(new Option('--refused <why>', 'the operator has not, and will not').choices([...deliveryRefusals]));
  act<Reason & { delivered?: string; refused?: DeliveryRefusal }>(decide, cli, async (call) => {
    const outcome = decisionIn(call.options);
    const id = await orderIn(call);
    await call.app.orders.decide(id, { actor: call.actor, reason: call.options.reason, outcome });
    return showOrder(call, id);
  });
}

function decisionIn({ delivered, refused }: { delivered?: string; refused?: DeliveryRefusal }): Decision {
  if ((delivered === undefined) === (refused === undefined))
    throw new UsageError('say either --delivered or --refused');
  return refused === undefined
    ? { kind: 'delivered', operatorReference: delivered ?? '' }
    : { kind: 'refused', reason: refused };
}

async function showOrder({ app }: Pick<Call<unknown>, 'app'>, id: Uuid): Promise<Answer> {
  const file = await app.orders.show(id);
  return { text: [orderFacts(file), timeline(file), moneyTable(file)].join('\n\n'), data: file };
}

function orderFacts({ view }: OrderFile): string {
  const { quote, delivery } = view;
  const amount = (money: { amount: string; currency: string } | undefined): string | undefined =>
    money && `${money.amount} ${money.currency}`;
  return facts([
    ['order', view.reference],
    ['id', view.id],
    ['state', view.case ? `${view.state} (${view.case.reason})` : view.state],
    ['since', moment(new Date(view.stateSince))],
    ['number', view.number.masked],
    ['operator', view.operator],
    ['phone gets', view.amount === null ? undefined : `${view.amount} KZT`],
    ['charged', amount(quote?.charge)],
    ['fee', amount(quote?.fee)],
    ['margin', amount(quote?.margin)],
    ['rate', quote?.rates.map(({ currency, rate, day }) => `${rate} KZT for 1 ${currency} (${day})`).join(', ')],
    ['route', delivery?.route],
    ['operator reference', delivery?.operatorReference ?? undefined],
    ['refused because', delivery?.reason ?? undefined],
    ['next look', delivery?.nextTryAt ? moment(new Date(delivery.nextTryAt)) : undefined],
  ]);
}

function timeline({ moves, events }: OrderFile): string {
  const lines = [
    ...moves.map((one) => ({
      at: one.at,
      cells: [
        `${one.from_state} → ${one.to_state}`,
        one.actor,
        [one.reason, ...Object.values(one.details)].filter(Boolean).join(' '),
      ],
    })),
    ...events.map((one) => ({
      at: one.received_at,
      cells: [one.kind, one.provider, [one.outcome, ...Object.values(one.details)].join(' ')],
    })),
  ].sort((a, b) => a.at.getTime() - b.at.getTime());
  return table(
    ['when', 'what', 'by', 'why'],
    lines.map(({ at, cells }) => [moment(at), ...cells]),
  );
}

function moneyTable({ payments, deliveries, refunds }: OrderFile): string {
  const rows = [
    ...payments.map((one) => [
      `payment ${one.no}`,
      one.state,
      `${formatAmount(one.amountMinor, one.currency)} ${one.currency}`,
      `${one.provider} ${one.captureId ?? one.externalId ?? ''}`,
    ]),
    ...deliveries.map((one) => [
      `delivery ${one.attempt}`,
      one.reason ? `${one.state} (${one.reason})` : one.state,
      '',
      `${one.route} ${one.reference}, asked ${one.asked} times`,
    ]),
    ...refunds.map((one) => [
      `refund ${one.no}`,
      one.state,
      `${formatAmount(one.amountMinor, one.currency)} ${one.currency}`,
      `by ${one.promisedBy} ${one.externalId ?? ''}`,
    ]),
  ];
  return table(['document', 'state', 'amount', 'names'], rows);
}
