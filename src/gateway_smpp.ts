import Type, { type Static } from 'typebox';
import type { Clock } from './base/clock.ts';
import type { Keyring } from './base/keyring.ts';
import { limits } from './base/limits.ts';
import type { Catalogue } from './catalogue/index.ts';
import { dialectNames, isUssd, SmppUssd, type UssdEngine, ussdGateway } from './channels/ussd/index.ts';
import type { Beside } from './gateway_file.ts';
import { rowCodes, rowFields, rowLimits } from './gateway_row.ts';
import type { Gateway, GatewayHooks, GatewayState, GatewayStatus } from './gateways/index.ts';
import type { Language } from './i18n/index.ts';
import {
  type Delivered,
  describe,
  Esme,
  type EsmeState,
  type EsmeTimings,
  type MessageFields,
  type TextCoding,
  usualCoding,
  type Verdict,
} from './wire/smpp/index.ts';

const octet = Type.Integer({ minimum: 0, maximum: 255 });
const text = (max: number) => Type.String({ pattern: `^[\\x21-\\x7e]{1,${max}}$` });
/** One bind to one SMS centre: USSD, text messages, or both. */
export const smppRow = Type.Object(
  {
    ...rowFields,
    host: Type.String({ pattern: '^\\S+$' }),
    port: Type.Integer({ minimum: 1, maximum: 65_535 }),
    systemId: text(15),
    /** Itself, or `env:NAME`. */
    password: Type.String({ minLength: 1 }),
    systemType: Type.Optional(text(12)),
    bind: Type.Optional(Type.Enum(['transceiver', 'transmitter', 'receiver'])),
    addressRange: Type.Optional(text(40)),
    use: Type.Optional(Type.Array(Type.Enum(['ussd', 'sms']), { minItems: 1 })),
    window: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    perSecond: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
    /** True, or files in PEM and the name in the other side's certificate. */
    tls: Type.Optional(
      Type.Union([
        Type.Boolean(),
        Type.Object(
          {
            ca: Type.Optional(Type.String()),
            cert: Type.Optional(Type.String()),
            key: Type.Optional(Type.String()),
            serverName: Type.Optional(Type.String()),
          },
          { additionalProperties: false },
        ),
      ]),
    ),
    /** What data_coding 0 is there, and the numbers under which texts are sent. */
    coding: Type.Optional(
      Type.Object(
        {
          alphabet: Type.Optional(Type.Enum(['gsm7', 'latin1', 'ascii'])),
          plain: Type.Optional(octet),
          ucs2: Type.Optional(octet),
        },
        { additionalProperties: false },
      ),
    ),
    dialect: Type.Optional(Type.Enum([...dialectNames])),
    codes: Type.Optional(rowCodes),
    payload: Type.Optional(Type.Enum(['when_long', 'always'])),
    limits: Type.Optional(rowLimits),
    idleSeconds: Type.Optional(Type.Integer({ minimum: 10, maximum: 600 })),
    /** What a phone shows as the sender of a text message. */
    sender: Type.Optional(Type.String({ pattern: '^[\\x20-\\x7e]{1,20}$' })),
    smsServiceType: Type.Optional(text(5)),
    joining: Type.Optional(Type.Enum(['udh', 'sar', 'payload'])),
    receipts: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

export type SmppRow = Static<typeof smppRow>;

const PASSWORD_MAX = 8;

/** What is wrong with a row that has the right shape: a field and what to say of it. */
export function smppTroubles(row: SmppRow, beside: Beside): [string, string][] {
  const uses = usesOf(row);
  if (uses.has('ussd') && !row.codes) return [['use', 'has ussd, so codes are needed, as *111#']];
  if (uses.has('ussd') && row.bind !== undefined && row.bind !== 'transceiver')
    return [['bind', 'must be transceiver where USSD is spoken']];
  if (uses.has('sms') && !row.sender) return [['use', 'has sms, so a sender is needed']];
  // Measured, not shown.
  const length = beside.secret(row.password).reveal().length;
  return length > PASSWORD_MAX
    ? [['password', `is longer than the ${PASSWORD_MAX} octets the protocol has for it`]]
    : [];
}

export function usesOf({ use }: SmppRow): ReadonlySet<'ussd' | 'sms'> {
  return new Set(use ?? ['ussd']);
}

export type SmppDeps = {
  readonly engine: UssdEngine;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly catalogue: Pick<Catalogue, 'parseOperator'>;
  /** For rows that name none. */
  readonly language: Language;
  readonly beside: Beside;
  readonly hooks: GatewayHooks;
  readonly timings?: Partial<EsmeTimings> | undefined;
  /** Takes what is no USSD: text messages and receipts. */
  readonly onSms?: ((gateway: SmppGateway, message: Delivered) => Verdict | Promise<Verdict>) | undefined;
};

export type SmppGateway = Gateway & {
  readonly row: SmppRow;
  readonly language: Language;
  readonly coding: TextCoding;
  /** For whoever sends text messages through the same bind. */
  readonly esme: Pick<Esme, 'submit' | 'status'>;
};

/** Opens the bind, and keeps it until `close`. */
export function openSmpp(row: SmppRow, deps: SmppDeps): SmppGateway {
  return new Smpp(row, deps);
}

class Smpp implements SmppGateway {
  readonly protocol = 'smpp';
  readonly row: SmppRow;
  readonly operator: Gateway['operator'];
  readonly language: Language;
  readonly coding: TextCoding;
  readonly esme: Esme;
  readonly #ussd: SmppUssd | undefined;
  readonly #deps: SmppDeps;
  #leaving: { since: Date; isOver: boolean } | undefined;

  constructor(row: SmppRow, deps: SmppDeps) {
    this.row = row;
    this.#deps = deps;
    this.operator = deps.catalogue.parseOperator(row.operator);
    this.language = row.language ?? deps.language;
    this.coding = codingOf(row);
    this.#ussd = usesOf(row).has('ussd') ? this.#openUssd() : undefined;
    this.esme = this.#openEsme();
  }

  get id(): string {
    return this.row.id;
  }

  status(): GatewayStatus {
    const { state, since, lastError, waiting } = this.esme.status;
    const said = { lastError, waiting, dialogues: this.#ussd?.open ?? 0 };
    const leaving = this.#leaving;
    if (!leaving) return { ...said, state: states[state], since };
    return { ...said, state: leaving.isOver ? 'drained' : 'draining', since: leaving.since };
  }

  drain(): void {
    if (!this.#leaving) void this.#leave(limits.gatewayDrainMs);
  }

  resume(): void {
    if (!this.#leaving) return;
    this.#leaving = undefined;
    this.#ussd?.turnAway(false);
    this.esme.bind();
  }

  async close(): Promise<void> {
    this.#ussd?.turnAway(true);
    // What people would answer next is found again by their next step, in another process or by a redial.
    await inTime(this.#ussd?.settled(), limits.drainMs);
    await this.esme.unbind();
    this.#ussd?.close();
  }

  /** Dialogues under way come to their end first, within reason. */
  async #leave(ms: number): Promise<void> {
    const leaving = { since: this.#deps.clock.now(), isOver: false };
    this.#leaving = leaving;
    this.#ussd?.turnAway(true);
    await inTime(this.#ussd?.quiet(), ms);
    await this.#ussd?.settled();
    // Wanted again meanwhile.
    if (this.#leaving !== leaving) return;
    await this.esme.unbind();
    leaving.since = this.#deps.clock.now();
    leaving.isOver = true;
  }

  #openUssd(): SmppUssd {
    const { row, operator, language, coding } = this;
    const { engine, keyring, hooks } = this.#deps;
    return new SmppUssd({
      engine,
      keyring,
      gateway: ussdGateway({ id: row.id, operator, language, ...(row.limits ? { limits: row.limits } : {}) }),
      dialect: row.dialect ?? 'default',
      codes: row.codes ?? [],
      coding,
      payload: row.payload ?? 'when_long',
      ...(row.idleSeconds === undefined ? {} : { idleMs: row.idleSeconds * 1_000 }),
      send: (fields: MessageFields) => this.esme.submit(fields, { waitMs: limits.smppScreenMs, urgent: true }),
      onError: hooks.onError,
    });
  }

  #openEsme(): Esme {
    const { row } = this;
    const { beside, clock, hooks, timings } = this.#deps;
    const { onCount, onError, onTrace } = hooks;
    return new Esme({
      host: row.host,
      port: row.port,
      tls: tlsOf(row, beside),
      systemId: row.systemId,
      password: beside.secret(row.password),
      systemType: row.systemType ?? '',
      bind: row.bind ?? 'transceiver',
      addressRange: row.addressRange,
      window: row.window ?? WINDOW,
      perSecond: row.perSecond,
      clock,
      timings,
      onMessage: (message) => this.#take(message),
      hooks: {
        ...(onCount ? { onCount: (counted) => onCount({ gateway: row.id, ...counted }) } : {}),
        ...(onError ? { onError } : {}),
        ...(onTrace
          ? { onTrace: (direction, pdu) => onTrace(`${row.id} ${direction} ${describe(pdu, this.coding)}`) }
          : {}),
      },
    });
  }

  #take(message: Delivered): Verdict | Promise<Verdict> {
    const { onSms } = this.#deps;
    const isText = usesOf(this.row).has('sms') && !isUssd(message);
    if (this.#ussd && !isText) return this.#ussd.take(message);
    return onSms ? onSms(this, message) : 'never';
  }
}

/** Waits for it, but no longer than this. */
async function inTime(work: Promise<void> | undefined, ms: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, late]);
  clearTimeout(timer);
}

const WINDOW = 10;

const states: Readonly<Record<EsmeState, GatewayState>> = {
  connecting: 'connecting',
  bound: 'bound',
  throttled: 'throttled',
  refused: 'refused',
  down: 'down',
  unbinding: 'draining',
  unbound: 'drained',
};

function codingOf({ coding = {} }: SmppRow): TextCoding {
  return {
    alphabet: coding.alphabet ?? usualCoding.alphabet,
    plainCoding: coding.plain ?? usualCoding.plainCoding,
    ucs2Coding: coding.ucs2 ?? usualCoding.ucs2Coding,
  };
}

function tlsOf({ tls }: SmppRow, beside: Beside) {
  if (tls === undefined || tls === false) return undefined;
  if (tls === true) return {};
  const { ca, cert, key, serverName } = tls;
  const pem = (path: string | undefined) => (path === undefined ? undefined : beside.file(path));
  return { ca: pem(ca), cert: pem(cert), key: pem(key), serverName };
}
