import { formatAmount } from '../../base/money.ts';
import type { Msisdn } from '../../base/msisdn.ts';
import { Refusal, type RefusalCode } from '../../base/refusal.ts';
import type { Catalogue } from '../../catalogue/index.ts';
import { refusalText } from '../../i18n/index.ts';
import type { AgentAtDoor, AgentSettings, Agents, Subscribers } from '../../parties/index.ts';
import type { Topups } from '../../topups/index.ts';
import { type Ask, detailsOf } from './ask.ts';
import type { Protocol, Told } from './protocol.ts';

export type ExchangeDeps = {
  readonly topups: Pick<Topups, 'pay'>;
  readonly agents: Pick<Agents, 'available'>;
  readonly subscribers: Pick<Subscribers, 'read'>;
  readonly catalogue: Pick<Catalogue, 'operatorOf' | 'operator'>;
  /** What nobody foresaw. The agent asks again, and may be luckier. */
  readonly onError: (error: unknown) => void;
};

type Exchange = { readonly agent: AgentAtDoor; readonly protocol: Protocol; readonly ask: Ask };

/** What this agent is told. Never throws: whatever goes wrong here must not end a payment there. */
export async function exchange(deps: ExchangeDeps, { agent, protocol, ask }: Exchange): Promise<Told> {
  const { command, txnId = '' } = ask;
  const told = { command, txnId, prvTxn: undefined, sum: undefined, fields: [] };
  const no = (code: RefusalCode, result: number): Told => ({ ...told, result, comment: wordsOf(code, agent.settings) });
  try {
    if (command === 'pay' && ask.txnId !== undefined) {
      const payment = await pay(deps, { agent, protocol, ask });
      if (payment.reason !== undefined) return no(payment.reason, payment.result);
      const sum = formatAmount(payment.amountMinor ?? 0n, 'KZT');
      return { ...told, result: payment.result, comment: 'OK', prvTxn: payment.prvTxn, sum };
    }
    await check(deps, agent, ask);
    const sum = ask.amountMinor === undefined ? undefined : formatAmount(ask.amountMinor, 'KZT');
    const fields = fieldsOf(deps, agent.settings, ask.account);
    return { ...told, result: 0, comment: 'OK', sum: protocol.id === 'kaspi' ? sum : undefined, fields };
  } catch (error) {
    if (!(error instanceof Refusal)) deps.onError(error);
    const code = error instanceof Refusal ? error.code : 'system.error';
    const result = protocol.finals.get(code) ?? (command === 'pay' ? undefined : protocol.atCheck.get(code));
    return no(code, result ?? protocol.again);
  }
}

/** Turns away whatever it can see, because a payer's money is not in yet. Changes nothing. */
async function check({ agents, subscribers }: ExchangeDeps, agent: AgentAtDoor, ask: Ask): Promise<void> {
  if (ask.refusal) throw ask.refusal;
  if (agent.status !== 'active') throw new Refusal('partner.suspended');
  const needed = agent.settings.checkSum ? (ask.amountMinor ?? 0n) : agent.settings.sumMinorMin;
  const [subscriber, available] = await Promise.all([
    typeof ask.account === 'string' ? subscribers.read(ask.account) : undefined,
    agents.available(agent.id),
  ]);
  if (subscriber?.status === 'closed') throw new Refusal('subscriber.closed');
  if (available < needed) throw new Refusal('float.too_low');
}

/** What was told before is told again, also to an agent that has been suspended since; so it is asked for in any case. */
function pay({ topups, catalogue }: ExchangeDeps, { agent, protocol, ask }: Exchange): ReturnType<Topups['pay']> {
  const suspended = agent.status === 'active' ? undefined : new Refusal('partner.suspended');
  return topups.pay({
    agent: agent.id,
    protocol: protocol.id,
    txnId: ask.txnId ?? '',
    txnDate: ask.txnDate,
    account: ask.account,
    amountMinor: ask.amountMinor,
    operator: typeof ask.account === 'string' ? catalogue.operatorOf(ask.account) : undefined,
    refusal: suspended ?? ask.refusal,
    finals: protocol.finals,
  });
}

/** `701***4567` is enough for the payer to know their own number by. */
function fieldsOf(
  { catalogue }: ExchangeDeps,
  { fields, language }: AgentSettings,
  account: Ask['account'],
): { label: string; text: string }[] {
  if (typeof account !== 'string') return [];
  return fields.flatMap(({ shows, label }) => {
    const text = shows === 'number' ? masked(account) : operatorName(catalogue, account, language);
    return text === undefined ? [] : [{ label, text }];
  });
}

function masked(msisdn: Msisdn): string {
  return `${msisdn.slice(1, 4)}***${msisdn.slice(7)}`;
}

function operatorName(
  catalogue: ExchangeDeps['catalogue'],
  msisdn: Msisdn,
  language: AgentSettings['language'],
): string | undefined {
  const operator = catalogue.operatorOf(msisdn);
  return operator && catalogue.operator(operator).names[language];
}

/** For whoever reads the agent's log. */
function wordsOf(code: RefusalCode, settings: AgentSettings): string {
  return refusalText(code, settings.language, detailsOf(settings));
}
