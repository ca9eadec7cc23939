import { present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Uuid } from '../base/ids.ts';
import { type Keyring, mac128 } from '../base/keyring.ts';
import type { Msisdn } from '../base/msisdn.ts';
import { orRefusal, Refusal } from '../base/refusal.ts';
import type { Secret } from '../base/secret.ts';
import { type Answer, createLanes, type Db } from '../db/index.ts';
import type { PartyId } from '../ledger/index.ts';
import type { NumberRef, Subscribers } from '../parties/index.ts';
import { macsOf, VISITOR } from '../vouchers/index.ts';
import { type AgentPay, type AgentPayment, agentBatch, agentItem } from './agent_payments.ts';
import { type Credit, checkAmount, creditBatch, findTopup, orderId, type Topup } from './credit.ts';
import { type Redemption, redeemBatch } from './redeem.ts';

/** A card is redeemed for a number. `caller` is who asks, `gateway` the operator whose network carries the dialogue. */
export type Redeem = {
  readonly pin: Secret;
  readonly target: Msisdn;
  readonly caller: Msisdn;
  readonly channel: 'ussd' | 'sms' | 'api' | 'cli';
  readonly gateway: string | undefined;
  readonly operator: string | undefined;
  /** Who asks on the number's behalf, for a guess limit of its own: a partner by its API key's id, or a visitor of the site by address. */
  readonly apiKey: string | undefined;
  readonly address?: string | undefined;
  /** Staff who redeem it at somebody's request, for the record. */
  readonly actor?: string;
};

/** A damaged card, honoured by its serial once two others have approved. */
export type RedeemSerial = { readonly serial: bigint; readonly target: Msisdn; readonly operator: string | undefined };

export type Topups = {
  /** Credits a number from a partner's float. Resolves once durable; rejects with a Refusal. */
  credit(command: Credit): Promise<Topup>;
  /** A list: one answer each, in order, none spoiling another. What was refused before it came here keeps its place. */
  creditMany(commands: readonly (Credit | Refusal)[]): Promise<Answer<Topup>[]>;
  /** Pays what an agent has taken money for. Rejects with a Refusal where the agent may ask again; the same payment is told the same for ever. */
  pay(command: AgentPay): Promise<AgentPayment>;
  redeem(command: Redeem): Promise<Redemption>;
  redeemSerial(command: RedeemSerial): Promise<Redemption>;
  find(partner: PartyId, id: Uuid): Promise<Topup>;
  readonly waiting: number;
  close(): Promise<void>;
};

export type TopupsOptions = {
  readonly db: Db;
  readonly subscribers: Subscribers;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly lanes: number;
  readonly batchMax?: number;
  readonly onBatch?: (lane: TopupLane, batch: { lane: number; size: number; ms: number }) => void;
  readonly onError?: (lane: TopupLane, error: unknown) => void;
  /** An agent has called two different payments by one name. */
  readonly onAgentConflict?: (payment: { readonly agent: PartyId; readonly txnId: string }) => void;
};

export type TopupLane = 'credit' | 'agent' | 'redeem';

/** Work for one number always takes the same lane, so one number's commands never race within a process. */
function routeOf(msisdn: Msisdn): number {
  return Number(msisdn.slice(-7));
}

/** Staff have the card at hand and no code to try. */
function attemptBySerial(serial: bigint, { index }: NumberRef) {
  return { macs: [], serial, caller: index, target: index, key: undefined, gateway: undefined, channel: 'support' };
}

export function createTopups(options: TopupsOptions): Topups {
  const { db, subscribers, keyring } = options;
  const lane = <I, O>(name: TopupLane, work: Parameters<typeof createLanes<I, O>>[0]['work']) =>
    createLanes<I, O>({
      url: db.url,
      name,
      count: options.lanes,
      ...(options.batchMax === undefined ? {} : { batchMax: options.batchMax }),
      work,
      onBatch: (batch) => options.onBatch?.(name, batch),
      onError: (error) => options.onError?.(name, error),
    });
  const credits = lane('credit', creditBatch(options));
  const payments = lane('agent', agentBatch({ ...options, onConflict: (key) => options.onAgentConflict?.(key) }));
  const redemptions = lane('redeem', redeemBatch(options));
  const itemOf = (command: Credit) => {
    checkAmount(command.amountMinor);
    return { ...command, id: orderId(command.partner, command.key), number: subscribers.refer(command.msisdn) };
  };
  return {
    credit: async (command) => credits.submit(routeOf(command.msisdn), itemOf(command)),
    async creditMany(commands) {
      const checked = commands.map((command) =>
        command instanceof Refusal
          ? command
          : orRefusal(() => ({ route: routeOf(command.msisdn), item: itemOf(command) })),
      );
      const answers = await credits.submitMany(checked.flatMap((one) => (one instanceof Refusal ? [] : [one])));
      let next = 0;
      return checked.map((one) =>
        one instanceof Refusal ? one : present(answers[next++], 'each item submitted is answered'),
      );
    },
    pay: async (command) => {
      const { account } = command;
      const item = agentItem(command, options);
      return payments.submit(typeof account === 'string' ? routeOf(account) : 0, item);
    },
    async redeem(command) {
      const target = subscribers.refer(command.target);
      const caller = command.caller === command.target ? target : subscribers.refer(command.caller);
      const { gateway, channel, operator } = command;
      return redemptions.submit(routeOf(command.target), {
        attempt: {
          macs: macsOf(keyring, command.pin),
          serial: undefined,
          caller: caller.index,
          target: target.index,
          // Blind, because an address is a person's.
          key: command.address ? `${VISITOR}${mac128(keyring.numberIndexKey, command.address)}` : command.apiKey,
          gateway,
          channel,
          ...(command.actor === undefined ? {} : { actor: command.actor }),
        },
        target,
        operator,
      });
    },
    async redeemSerial({ serial, target: msisdn, operator }) {
      const target = subscribers.refer(msisdn);
      return redemptions.submit(routeOf(msisdn), { attempt: attemptBySerial(serial, target), target, operator });
    },
    find: (partner, id) => findTopup(db, partner, id),
    get waiting() {
      return credits.waiting + payments.waiting + redemptions.waiting;
    },
    async close() {
      await Promise.all([credits.close(), payments.close(), redemptions.close()]);
    },
  };
}
