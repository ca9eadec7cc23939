import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { TLocalizedValidationError } from 'typebox/error';
import { isNode, LineCounter, parseDocument } from 'yaml';
import { Refusal } from './base/refusal.ts';
import { Secret } from './base/secret.ts';
import type { Catalogue } from './catalogue/index.ts';
import { gsupRow } from './gateway_gsup.ts';
import { httpRow, httpTroubles } from './gateway_http.ts';
import { smppRow, smppTroubles } from './gateway_smpp.ts';

/** One list of rows a protocol; each row is one link. */
const sections = {
  smpp: Type.Optional(Type.Array(smppRow)),
  gsup: Type.Optional(Type.Array(gsupRow)),
  http: Type.Optional(Type.Array(httpRow)),
};
const fileSchema = Type.Object(sections, { additionalProperties: false });

export type GatewayRows = Static<typeof fileSchema>;

/** What a row names beside itself: a password, a certificate. */
export type Beside = {
  /** `env:NAME`, or the secret itself. */
  secret(text: string): Secret;
  /** A file, from the place where the gateway file is. */
  file(path: string): string;
};

export type GatewayFile = { readonly rows: GatewayRows; readonly beside: Beside };

const WORLD = 0o077;
const IN_ENVIRONMENT = /^env:([A-Za-z_][A-Za-z0-9_]*)$/;

/** The file that `SAPAR_GATEWAYS` names, or no rows where it names none. Throws one sentence with the place when something is nonsense. */
export function readGatewayFile(env: NodeJS.ProcessEnv, catalogue: Pick<Catalogue, 'parseOperator'>): GatewayFile {
  const path = env.SAPAR_GATEWAYS?.trim() ?? '';
  if (path === '') return { rows: {}, beside: besideOf('', env) };
  const lines = new LineCounter();
  const document = parseDocument(read(path, 'SAPAR_GATEWAYS'), { lineCounter: lines });
  const refuse = (place: readonly (string | number)[], problem: string): never => {
    const node = document.getIn(place, true);
    const start = isNode(node) ? node.range?.[0] : undefined;
    const line = start === undefined ? '' : `:${lines.linePos(start).line}`;
    throw new Error(`${path}${line}: ${nameOf(place)}${problem}`);
  };
  const [unreadable] = document.errors;
  if (unreadable) throw new Error(`${path}: ${unreadable.message.split('\n')[0]}`);
  const content: unknown = document.toJS() ?? {};
  const validator = Compile(fileSchema);
  if (!validator.Check(content)) {
    const [error] = validator.Errors(content).filter(({ keyword }) => keyword !== 'additionalProperties');
    refuse(placeOf(error?.instancePath ?? ''), error ? problemOf(error) : 'cannot be read');
    throw new Error(`${path} cannot be read`);
  }
  const rows: GatewayRows = content as GatewayRows;
  const beside = besideOf(path, env);
  for (const { place, problem } of troublesOf(rows, catalogue, beside)) refuse(place, problem);
  return { rows, beside };
}

type Trouble = { readonly place: readonly (string | number)[]; readonly problem: string };

/** What a row's shape does not show. */
function troublesOf(rows: GatewayRows, catalogue: Pick<Catalogue, 'parseOperator'>, beside: Beside): Trouble[] {
  const all = Object.entries(rows).flatMap(([section, list]) =>
    list.map((row, index) => ({ section, index, id: row.id, operator: row.operator })),
  );
  const common = all.flatMap(({ section, index, id, operator }, at): Trouble[] => {
    if (all.findIndex((other) => other.id === id) < at)
      return [{ place: [section, index, 'id'], problem: `is ${id}, as that of another gateway` }];
    if (!isOperator(operator, catalogue))
      return [{ place: [section, index, 'operator'], problem: 'is no operator of the catalogue' }];
    return [];
  });
  const own = (rows.smpp ?? []).flatMap((row, index) =>
    smppTroubles(row, beside).map(([field, problem]): Trouble => ({ place: ['smpp', index, field], problem })),
  );
  const http = httpTroubles(rows.http ?? [], beside).map(
    ([index, field, problem]): Trouble => ({ place: ['http', index, field], problem }),
  );
  return [...common, ...own, ...http];
}

function isOperator(id: string, catalogue: Pick<Catalogue, 'parseOperator'>): boolean {
  try {
    catalogue.parseOperator(id);
    return true;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

function besideOf(path: string, env: NodeJS.ProcessEnv): Beside {
  return {
    secret(text) {
      const name = IN_ENVIRONMENT.exec(text)?.[1];
      if (name === undefined) {
        if ((statSync(path).mode & WORLD) !== 0)
          throw new Error(`${path} holds a password, so nobody but its owner may read it: chmod 600 ${path}`);
        return new Secret(text);
      }
      const value = env[name];
      if (value === undefined || value === '') throw new Error(`${name} is missing, although ${path} names it`);
      return new Secret(value);
    },
    file: (name) => read(resolve(dirname(path), name), path),
  };
}

function read(path: string, namedBy: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : 'unreadable';
    throw new Error(`${path}, which ${namedBy} names, cannot be read (${code})`);
  }
}

/** `/smpp/0/port` as the YAML document counts. */
function placeOf(pointer: string): (string | number)[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** `smpp[0].port `, for whoever looks for it. */
function nameOf(place: readonly (string | number)[]): string {
  const name = place.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
  return name === '' ? '' : `${name.replace(/^\./, '')} `;
}

function problemOf(error: TLocalizedValidationError): string {
  switch (error.keyword) {
    case 'required':
      return `has no ${error.params.requiredProperties.join(' and no ')}`;
    case 'boolean':
      return 'is not known here';
    case 'enum':
      return `must be one of ${error.params.allowedValues.join(', ')}`;
    case 'pattern':
      return `must look like ${String(error.params.pattern)}`;
    default:
      return error.message;
  }
}
