import Type, { type Static } from 'typebox';
import type { Clock } from './base/clock.ts';
import type { Catalogue } from './catalogue/index.ts';
import { openGsup, osmoLimits, type UssdEngine, ussdGateway } from './channels/ussd/index.ts';
import { rowCodes, rowFields, rowLimits } from './gateway_row.ts';
import type { Gateway, GatewayHooks } from './gateways/index.ts';
import type { Language } from './i18n/index.ts';

const host = Type.String({ pattern: '^\\S+$' });
const port = Type.Integer({ minimum: 1, maximum: 65_535 });

/** One HLR that speaks GSUP, and the name under which it knows us. */
export const gsupRow = Type.Object(
  {
    ...rowFields,
    host,
    port,
    /** Of an external USSD entity: `EUSE-topup` where the HLR says `euse topup`. */
    name: Type.String({ pattern: '^EUSE-[A-Za-z0-9-]{1,59}$' }),
    control: Type.Object({ host, port }, { additionalProperties: false }),
    codes: rowCodes,
    limits: Type.Optional(rowLimits),
    /** How lengths above 127 are written: `octet` for the full room through Osmocom's programs. */
    lengths: Type.Optional(Type.Enum(['ber', 'octet'])),
    /** `unproven` where the HLR passes no messages on, and so cannot show that it knows us. */
    proof: Type.Optional(Type.Enum(['proven', 'unproven'])),
    /** Not above the guard of the HLR. */
    idleSeconds: Type.Optional(Type.Integer({ minimum: 10, maximum: 600 })),
    /** How long the HLR's word on a SIM's number is believed. */
    numberSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 3_600 })),
  },
  { additionalProperties: false },
);

type GsupRow = Static<typeof gsupRow>;

export type GsupDeps = {
  readonly engine: UssdEngine;
  readonly clock: Clock;
  readonly catalogue: Pick<Catalogue, 'parseOperator'>;
  /** For rows that name none. */
  readonly language: Language;
  readonly hooks: GatewayHooks;
};

/** Opens the connection, and keeps it until `close`. */
export function openGsupRow(row: GsupRow, { engine, clock, catalogue, language, hooks }: GsupDeps): Gateway {
  const { id, host, port, name, control, codes, lengths, proof, idleSeconds, numberSeconds } = row;
  return openGsup({
    engine,
    clock,
    hooks,
    host,
    port,
    name,
    control,
    codes,
    gateway: ussdGateway({
      id,
      operator: catalogue.parseOperator(row.operator),
      language: row.language ?? language,
      limits: row.limits ?? osmoLimits,
    }),
    ...(lengths === undefined ? {} : { lengths }),
    ...(proof === undefined ? {} : { proof }),
    ...(idleSeconds === undefined ? {} : { idleMs: idleSeconds * 1_000 }),
    ...(numberSeconds === undefined ? {} : { numberKeptMs: numberSeconds * 1_000 }),
  });
}
