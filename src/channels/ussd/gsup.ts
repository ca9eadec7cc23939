import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { Gateway, GatewayHooks, GatewayState } from '../../gateways/index.ts';
import {
  CtrlClient,
  decodeGsup,
  describe,
  type GsupMessage,
  IpaLink,
  type LengthForm,
  type LinkState,
  type LinkTimers,
} from '../../wire/gsup/index.ts';
import type { UssdEngine } from './engine.ts';
import type { UssdGateway } from './gateway.ts';
import { GsupDialogues, type GsupEvent } from './gsup_dialogues.ts';
import { simNumbers } from './gsup_numbers.ts';

export type GsupOptions = {
  readonly engine: Pick<UssdEngine, 'step'>;
  readonly gateway: UssdGateway;
  readonly clock: Clock;
  /** The HLR's address for core network elements. */
  readonly host: string;
  readonly port: number;
  /** `EUSE-topup` where the HLR says `euse topup`. One process a name has the dialogues; others of that name stand by. */
  readonly name: string;
  /** The HLR's control interface, which knows the numbers of SIMs. */
  readonly control: { readonly host: string; readonly port: number };
  /** Codes that the HLR routes to us, `*111#`. */
  readonly codes: readonly string[];
  readonly lengths?: LengthForm;
  readonly proof?: 'proven' | 'unproven';
  readonly idleMs?: number;
  readonly numberKeptMs?: number;
  readonly timers?: Partial<LinkTimers>;
  readonly hooks?: GatewayHooks;
};

/**
 * An external USSD entity of an HLR that speaks GSUP, osmo-hlr say: the HLR sends what is dialled under our codes, and the answers to our
 * questions. Dialogues outlive a connection that breaks; what could not be said is found by a redial, because the engine remembers it.
 */
export function openGsup(options: GsupOptions): Gateway {
  const { clock, gateway, hooks } = options;
  const ctrl = new CtrlClient(options.control);
  const numbers = simNumbers({ ctrl, clock, keptMs: options.numberKeptMs ?? limits.gsupNumberKeptMs });
  let isDraining = false;
  let link: IpaLink | undefined;
  let told = { state: 'connecting' as LinkState, since: clock.now(), lastError: undefined as string | undefined };
  const count = (event: GsupEvent): void => hooks?.onCount?.({ gateway: gateway.id, ...event });
  const trace = (direction: 'in' | 'out', message: GsupMessage | undefined): void => {
    if (message) hooks?.onTrace?.(`${gateway.id} ${direction} ${describe(message)}`);
  };
  const leaveWhenQuiet = (): void => {
    // Whoever stands by under the same name takes over.
    if (isDraining && dialogues.open === 0) void link?.close();
  };
  const dialogues = new GsupDialogues({
    ...options,
    numbers,
    lengths: options.lengths ?? 'ber',
    idleMs: options.idleMs ?? limits.gsupIdleMs,
    send(octets) {
      trace('out', decodeGsup(octets));
      return link?.send(octets) === true;
    },
    onQuiet: leaveWhenQuiet,
    onEvent: count,
    onError: hooks?.onError,
  });
  const open = (): IpaLink =>
    new IpaLink({
      ...options,
      onGsup(octets) {
        const message = decodeGsup(octets);
        trace('in', message);
        if (message) dialogues.take(message);
        else count({ direction: 'in', kind: 'error', outcome: 'odd' });
      },
      onState(state, why) {
        // While it was away it may have given a SIM another number.
        if (state !== 'bound') numbers.forget();
        told = { state, since: clock.now(), lastError: why ?? told.lastError };
      },
    });
  link = open();
  const drain = (): void => {
    isDraining = true;
    dialogues.turnAway(true);
    leaveWhenQuiet();
  };
  return {
    id: gateway.id,
    protocol: 'gsup',
    operator: gateway.operator,
    status: () => ({ ...told, state: stateOf(told.state, isDraining), dialogues: dialogues.open, waiting: 0 }),
    drain,
    resume() {
      isDraining = false;
      dialogues.turnAway(false);
      if (told.state === 'closed') link = open();
    },
    async close() {
      dialogues.turnAway(true);
      // Every step has its own time, so this ends.
      await dialogues.settled();
      dialogues.close();
      await link?.close();
      ctrl.close();
    },
  };
}

function stateOf(link: LinkState, isDraining: boolean): GatewayState {
  switch (link) {
    case 'taken':
      return 'refused';
    case 'closed':
      return 'drained';
    case 'bound':
      return isDraining ? 'draining' : 'bound';
    case 'connecting':
    case 'down':
      return link;
  }
}
