import type { OperatorId } from '../catalogue/index.ts';

/**
 * `down`: nobody is connected, and it is tried again. `refused`: the other side does not let us in. `draining`: what is under way is
 * finished, nothing new is begun; then `drained`, until staff want it again.
 */
export type GatewayState = 'connecting' | 'bound' | 'throttled' | 'refused' | 'down' | 'draining' | 'drained';

export type GatewayStatus = {
  readonly state: GatewayState;
  readonly since: Date;
  /** In a few words, without numbers of people. */
  readonly lastError: string | undefined;
  /** Conversations under way. */
  readonly dialogues: number;
  /** Messages that wait to be sent. */
  readonly waiting: number;
};

/** One link of this process to an operator's network, whatever it speaks. */
export type Gateway = {
  readonly id: string;
  readonly protocol: 'smpp' | 'gsup' | 'http';
  readonly operator: OperatorId;
  status(): GatewayStatus;
  /** Finishes what is under way and leaves. */
  drain(): void;
  resume(): void;
  close(): Promise<void>;
};

/** One message, for figures. Labels only: never a number or a text. */
export type Counted = {
  readonly gateway: string;
  readonly direction: 'in' | 'out';
  readonly kind: string;
  readonly outcome: string;
};

/** What a gateway tells whoever runs it. */
export type GatewayHooks = {
  readonly onCount?: (counted: Counted) => void;
  readonly onError?: (error: unknown) => void;
  /** One line of what went over the wire, with secrets and digits left out; only where somebody asked for it. */
  readonly onTrace?: (line: string) => void;
};

/** Whether messages can go through it now. */
export function isUp(state: GatewayState): boolean {
  return state === 'bound' || state === 'throttled' || state === 'draining';
}
