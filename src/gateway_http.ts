import Type, { type Static } from 'typebox';
import type { Clock } from './base/clock.ts';
import type { Catalogue } from './catalogue/index.ts';
import {
  type HttpGateway,
  httpProtocolNames,
  httpProtocols,
  openHttpGateway,
  type UssdEngine,
  ussdGateway,
} from './channels/ussd/index.ts';
import { USSD_SECRET } from './config.ts';
import type { Beside, GatewayFile } from './gateway_file.ts';
import { rowCodes, rowFields, rowLimits } from './gateway_row.ts';
import type { Language } from './i18n/index.ts';

const SECRETS_MAX = 2;
const place = Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$' }));

/** One aggregator that calls us for an operator's phones. */
export const httpRow = Type.Object(
  {
    ...rowFields,
    protocol: Type.Enum([...httpProtocolNames]),
    /** Each itself, or `env:NAME`: two while one follows the other. */
    secrets: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: SECRETS_MAX }),
    codes: Type.Optional(rowCodes),
    limits: Type.Optional(rowLimits),
    /** Where an aggregator names a part of its messages otherwise than the protocol's table. */
    fields: Type.Optional(
      Type.Object(
        { session: place, number: place, text: place, serviceCode: place, step: place, kind: place },
        { additionalProperties: false },
      ),
    ),
    /** Other names for the fields of a reply, by the table's own. */
    reply: Type.Optional(Type.Record(Type.String(), Type.String({ minLength: 1 }))),
  },
  { additionalProperties: false },
);

type HttpRow = Static<typeof httpRow>;

/** What is wrong with rows that have the right shape: which, a field, and what to say of it. */
export function httpTroubles(rows: readonly HttpRow[], beside: Beside): [number, string, string][] {
  return rows.flatMap((row, index): [number, string, string][] => {
    const { protocol, operator, codes, fields, reply = {} } = row;
    if (rows.findIndex((other) => other.protocol === protocol && other.operator === operator) < index)
      return [[index, 'protocol', `is ${protocol} for ${operator}, as that of another gateway`]];
    // Measured, not shown.
    if (!row.secrets.every((secret) => USSD_SECRET.test(beside.secret(secret).reveal())))
      return [[index, 'secrets', 'are not of 24 to 128 letters, digits, dots, hyphens, tildes or underscores']];
    const table = httpProtocols[protocol];
    if (!codes && !('serviceCode' in table.fields) && !fields?.serviceCode)
      return [[index, 'protocol', `is ${protocol}, whose messages name no code, so codes are needed, as *111#`]];
    const unknown = Object.keys(reply).find((name) => !(name in table.reply));
    return unknown === undefined ? [] : [[index, 'reply', `has ${unknown}, which no reply of ${protocol} has`]];
  });
}

export type HttpDeps = {
  readonly engine: UssdEngine;
  readonly clock: Clock;
  readonly catalogue: Pick<Catalogue, 'parseOperator'>;
  /** For rows that name none. */
  readonly language: Language;
};

/** Each is up from now on, once its door is in the server. */
export function openHttpRows({ rows, beside }: GatewayFile, deps: HttpDeps): HttpGateway[] {
  return (rows.http ?? []).map((row) => openHttpRow(row, beside, deps));
}

function openHttpRow(row: HttpRow, beside: Beside, { engine, clock, catalogue, language }: HttpDeps): HttpGateway {
  const { id, protocol, codes, fields = {}, reply } = row;
  const named = Object.fromEntries(Object.entries(fields).filter(([, name]) => name !== undefined));
  return openHttpGateway({
    engine,
    clock,
    protocol,
    gateway: ussdGateway({
      id,
      operator: catalogue.parseOperator(row.operator),
      language: row.language ?? language,
      ...(row.limits ? { limits: row.limits } : {}),
    }),
    renamed: { fields: named, reply },
    secrets: row.secrets.map((secret) => beside.secret(secret)),
    ...(codes ? { codes } : {}),
  });
}
