import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Secret } from './base/secret.ts';

/** Everything the environment and the command line decide, checked once at start. */
export type Config = {
  readonly host: string;
  readonly port: number;
  /** Where the embedded cluster, the key file and demo secrets live. */
  readonly dataDir: string;
  /** Set: that PostgreSQL is used. Unset: the embedded one, under dataDir. */
  readonly databaseUrl: Secret | undefined;
  readonly keyFile: string;
  readonly lanes: number;
  readonly demo: boolean;
  readonly logLevel: string;
  /** Proxies in front, as addresses or CIDR ranges; their word on client address and protocol is taken. */
  readonly trustProxy: string | undefined;
  /** Operator id to accepted gateway path secrets. */
  readonly ussdSecrets: ReadonlyMap<string, readonly Secret[]>;
  /** Language of USSD screens for numbers that have not chosen one. */
  readonly ussdLanguage: 'en' | 'zh' | 'ru' | 'kk';
  readonly serviceKey: Secret | undefined;
  /** On receipts: who sells, and lines with address, business number, telephone. */
  readonly seller: { readonly name: string; readonly contact: readonly string[] };
  /** What the payment providers' accounts are called on a payer's statement. */
  readonly accountName: string;
  readonly root: string;
  /** What it was all read from: the parties outside are read from it too (`outside.ts`). */
  readonly env: NodeJS.ProcessEnv;
};

export type Overrides = {
  readonly port?: string | undefined;
  readonly host?: string | undefined;
  readonly dataDir?: string | undefined;
  readonly demo?: boolean | undefined;
};

export const root = resolve(fileURLToPath(new URL('..', import.meta.url)));

const NODE_MAJOR = 24;

/** Reads the environment; throws one sentence naming the variable when something is nonsense. */
export function readConfig(env: NodeJS.ProcessEnv, overrides: Overrides = {}): Config {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < NODE_MAJOR)
    throw new Error(
      `Node ${NODE_MAJOR} or newer is needed, this is ${process.version}; start with "npm start", which brings it along`,
    );
  const databaseUrl = text(env.DATABASE_URL);
  if (databaseUrl !== undefined && !/^postgres(ql)?:\/\//.test(databaseUrl))
    throw new Error('DATABASE_URL must start with postgres:// or postgresql://');
  const dataDir = resolve(root, overrides.dataDir ?? text(env.SAPAR_DATA_DIR) ?? '.sapar');
  return {
    host: overrides.host ?? text(env.HOST) ?? '127.0.0.1',
    port: wholeNumber('PORT', overrides.port ?? text(env.PORT) ?? '8080', { min: 0, max: 65_535 }),
    dataDir,
    databaseUrl: databaseUrl === undefined ? undefined : new Secret(databaseUrl),
    keyFile: text(env.SAPAR_KEY_FILE) ?? join(dataDir, 'keys.json'),
    lanes: wholeNumber('SAPAR_LANES', text(env.SAPAR_LANES) ?? '2', { min: 1, max: 16 }),
    demo: overrides.demo ?? flag('SAPAR_DEMO_DATA', text(env.SAPAR_DEMO_DATA)) ?? databaseUrl === undefined,
    logLevel: oneOf('LOG_LEVEL', text(env.LOG_LEVEL) ?? 'warn', [
      'fatal',
      'error',
      'warn',
      'info',
      'debug',
      'trace',
      'silent',
    ]),
    trustProxy: text(env.SAPAR_TRUST_PROXY),
    ussdSecrets: ussdSecretsOf(text(env.SAPAR_USSD_SECRETS) ?? ''),
    ussdLanguage: oneOf('SAPAR_USSD_LANGUAGE', text(env.SAPAR_USSD_LANGUAGE) ?? 'ru', [
      'en',
      'zh',
      'ru',
      'kk',
    ] as const),
    serviceKey: text(env.SAPAR_SERVICE_KEY) === undefined ? undefined : new Secret(String(env.SAPAR_SERVICE_KEY)),
    seller: {
      name: text(env.SAPAR_SELLER) ?? 'Sapar',
      contact: (text(env.SAPAR_SELLER_CONTACT) ?? '').split('|').filter(Boolean),
    },
    accountName: text(env.SAPAR_STATEMENT_NAME) ?? 'SAPAR',
    root,
    env,
  };
}

function text(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value.trim();
}

function wholeNumber(name: string, value: string, range: { min: number; max: number }): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < range.min || number > range.max)
    throw new Error(`${name} must be a whole number from ${range.min} to ${range.max}, not "${value}"`);
  return number;
}

function flag(name: string, value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  return oneOf(name, value, ['on', 'off']) === 'on';
}

function oneOf<Choice extends string>(name: string, value: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((one) => one === value);
  if (choice === undefined) throw new Error(`${name} must be one of ${choices.join(', ')}, not "${value}"`);
  return choice;
}

/** What stands in an address as it is: anything else would open a door that nobody can reach. */
export const USSD_SECRET = /^[A-Za-z0-9._~-]{24,128}$/;

/** `kcell=secret,beeline=secret1|secret2`: two while one replaces the other. */
function ussdSecretsOf(value: string): Map<string, Secret[]> {
  const secrets = new Map<string, Secret[]>();
  for (const pair of value.split(',').filter(Boolean)) {
    const [operator = '', ...rest] = pair.split('=');
    const found = rest.join('=').split('|');
    if (operator === '' || !found.every((secret) => USSD_SECRET.test(secret))) {
      throw new Error(
        'SAPAR_USSD_SECRETS must read operator=secret,… with secrets of 24 to 128 letters, digits, dots, hyphens, tildes or underscores',
      );
    }
    secrets.set(
      operator,
      found.map((secret) => new Secret(secret)),
    );
  }
  return secrets;
}
