import { ControlError, wordOf } from '../wire/server.ts';

/** How an SMSC misbehaves, as asked for at the control address. Numbers are how often; nothing is good behaviour. */
export type Manners = {
  /** Binds that are refused, and with which status. */
  refuseBinds: number;
  bindStatus: number;
  /** Messages answered with ESME_RTHROTTLED. */
  throttle: number;
  /** Messages refused, and with which status. */
  refuse: number;
  refuseStatus: number;
  /** Messages taken of which no answer is sent. */
  loseAnswers: number;
  /** Messages in whose place the answer is a PDU that cannot be read. */
  garble: number;
  /** Connections are taken and nobody reads them. */
  halfOpen: boolean;
  /** enquire_link is not answered. */
  silent: boolean;
  /** Answers come so late. */
  delayMs: number;
  /** Whatever is delivered is delivered twice. */
  repeat: boolean;
};

export const good: Manners = {
  refuseBinds: 0,
  bindStatus: 0x0d,
  throttle: 0,
  refuse: 0,
  refuseStatus: 0x45,
  loseAnswers: 0,
  garble: 0,
  halfOpen: false,
  silent: false,
  delayMs: 0,
  repeat: false,
};

/** What is done to all connections at once. */
export const deeds = ['drop', 'garbage', 'nonsense', 'unbind'] as const;
export type Deed = (typeof deeds)[number];

export function readManners(asked: Readonly<Record<string, unknown>>): { manners: Manners; now: Deed | undefined } {
  const { now, ...rest } = asked;
  const manners: Record<string, unknown> = { ...good };
  for (const [name, value] of Object.entries(rest)) {
    if (!Object.hasOwn(good, name)) throw new ControlError(`there is no ${name}`);
    if (typeof value !== typeof manners[name]) throw new ControlError(`${name} is a ${typeof manners[name]}`);
    manners[name] = value;
  }
  return { manners: manners as Manners, now: now === undefined ? undefined : wordOf(now, deeds, 'now') };
}
