import type { Clock } from './base/clock.ts';
import { limits } from './base/limits.ts';
import { Secret } from './base/secret.ts';
import type { Catalogue } from './catalogue/index.ts';
import {
  createDtone,
  createOsmp,
  createReloadly,
  type DeliveryRoute,
  type RouteId,
  routeIds,
} from './delivery/index.ts';
import { createMailer } from './notices/index.ts';
import { createPaypal, createSandbox, createStripe, type PaymentProvider, type ProviderId } from './payments/index.ts';
import { bankSource, fileSource, type RateSource } from './rates/index.ts';
import type { Mail } from './topups/index.ts';

/** The parties outside that this platform works with, as the environment names them. Any of them may be missing. */
export type Outside = {
  /** In the order in which they are offered. */
  readonly providers: ReadonlyMap<ProviderId, PaymentProvider>;
  readonly deliveryRoutes: readonly DeliveryRoute[];
  /** Operator to the way its numbers are credited when a customer pays; hosted unless named. */
  readonly routes: ReadonlyMap<string, RouteId>;
  readonly rateSource: RateSource;
  /** How payers are written to; undefined where they are not. */
  readonly mail: Mail | undefined;
};

type Environment = NodeJS.ProcessEnv;

export const BANK_FEED = 'https://nationalbank.kz/rss/get_rates.cfm';

/** Throws one sentence naming the variable when something is nonsense or only half said. */
export function readOutside(env: Environment, { clock, catalogue }: { clock: Clock; catalogue: Catalogue }): Outside {
  const providers = [stripeOf(env), paypalOf(env, clock), sandboxOf(env, clock)].filter((one) => one !== undefined);
  const deliveryRoutes = [osmpOf(env), dtoneOf(env), reloadlyOf(env, clock)].filter((one) => one !== undefined);
  const routes = routesOf(env, catalogue);
  for (const [operator, route] of routes)
    if (route !== 'hosted' && !deliveryRoutes.some(({ id }) => id === route))
      throw new Error(`SAPAR_ROUTES sends ${operator} through ${route}, which is not configured`);
  return {
    providers: new Map(providers.map((provider) => [provider.id, provider])),
    deliveryRoutes,
    routes,
    mail: mailOf(env),
    rateSource: env.SAPAR_RATES_FILE
      ? fileSource({ path: env.SAPAR_RATES_FILE })
      : bankSource({
          url: urlOf('SAPAR_RATES_URL', env.SAPAR_RATES_URL ?? BANK_FEED),
          isWorkingDay: (day) => catalogue.isWorkingDay(day),
        }),
  };
}

/** All of these variables, or none: undefined when the first is missing, a sentence when another one is. */
function group<Name extends string>(env: Environment, names: readonly Name[]): Record<Name, string> | undefined {
  const present = names.filter((name) => text(env[name]) !== undefined);
  if (present.length === 0) return undefined;
  const missing = names.find((name) => text(env[name]) === undefined);
  if (missing !== undefined) throw new Error(`${missing} is missing, although ${present[0]} is set`);
  return Object.fromEntries(names.map((name) => [name, text(env[name]) ?? ''])) as Record<Name, string>;
}

function text(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value.trim();
}

function urlOf(name: string, value: string): string {
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol))
    throw new Error(`${name} must be an address that starts with http:// or https://`);
  return value;
}

/** The property only where the variable is set. */
function optionalUrl<Key extends string>(env: Environment, key: Key, name: string): { [K in Key]?: string } {
  const value = text(env[name]);
  return value === undefined ? {} : ({ [key]: urlOf(name, value) } as { [K in Key]?: string });
}

function stripeOf(env: Environment): PaymentProvider | undefined {
  const set = group(env, ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET']);
  return (
    set &&
    createStripe({
      secretKey: new Secret(set.STRIPE_SECRET_KEY),
      webhookSecrets: set.STRIPE_WEBHOOK_SECRET.split('|').map((one) => new Secret(one)),
      ...optionalUrl(env, 'apiUrl', 'STRIPE_API_URL'),
    })
  );
}

function paypalOf(env: Environment, clock: Clock): PaymentProvider | undefined {
  const set = group(env, ['PAYPAL_CLIENT_ID', 'PAYPAL_CLIENT_SECRET', 'PAYPAL_WEBHOOK_ID']);
  return (
    set &&
    createPaypal({
      clientId: set.PAYPAL_CLIENT_ID,
      clientSecret: new Secret(set.PAYPAL_CLIENT_SECRET),
      webhookId: set.PAYPAL_WEBHOOK_ID,
      clock,
      ...optionalUrl(env, 'apiUrl', 'PAYPAL_API_URL'),
      ...optionalUrl(env, 'certOrigin', 'PAYPAL_CERT_ORIGIN'),
    })
  );
}

function sandboxOf(env: Environment, clock: Clock): PaymentProvider | undefined {
  const set = group(env, ['SANDBOX_URL', 'SANDBOX_SECRET']);
  return (
    set && createSandbox({ url: urlOf('SANDBOX_URL', set.SANDBOX_URL), secret: new Secret(set.SANDBOX_SECRET), clock })
  );
}

function osmpOf(env: Environment): DeliveryRoute | undefined {
  const url = text(env.OSMP_URL);
  if (url === undefined) return undefined;
  const password = text(env.OSMP_PASSWORD);
  return createOsmp({
    url: urlOf('OSMP_URL', url),
    user: text(env.OSMP_USER),
    password: password === undefined ? undefined : new Secret(password),
    notFoundMeans: notFoundOf(text(env.OSMP_NOT_FOUND)),
  });
}

function notFoundOf(value: string | undefined): 'number.invalid' | 'number.not_this_operator' | undefined {
  if (value === undefined || value === 'number.invalid' || value === 'number.not_this_operator') return value;
  throw new Error('OSMP_NOT_FOUND must be number.invalid or number.not_this_operator');
}

function dtoneOf(env: Environment): DeliveryRoute | undefined {
  const set = group(env, ['DTONE_URL', 'DTONE_KEY', 'DTONE_SECRET', 'DTONE_PRODUCTS']);
  return (
    set &&
    createDtone({
      url: urlOf('DTONE_URL', set.DTONE_URL),
      key: set.DTONE_KEY,
      secret: new Secret(set.DTONE_SECRET),
      products: numbersOf('DTONE_PRODUCTS', set.DTONE_PRODUCTS),
      callbackUrl: text(env.DTONE_CALLBACK_URL),
    })
  );
}

function reloadlyOf(env: Environment, clock: Clock): DeliveryRoute | undefined {
  const set = group(env, [
    'RELOADLY_AUTH_URL',
    'RELOADLY_URL',
    'RELOADLY_CLIENT_ID',
    'RELOADLY_CLIENT_SECRET',
    'RELOADLY_OPERATORS',
  ]);
  return (
    set &&
    createReloadly({
      authUrl: urlOf('RELOADLY_AUTH_URL', set.RELOADLY_AUTH_URL),
      url: urlOf('RELOADLY_URL', set.RELOADLY_URL),
      clientId: set.RELOADLY_CLIENT_ID,
      clientSecret: new Secret(set.RELOADLY_CLIENT_SECRET),
      operators: numbersOf('RELOADLY_OPERATORS', set.RELOADLY_OPERATORS),
      clock,
    })
  );
}

function mailOf(env: Environment): Mail | undefined {
  const set = group(env, ['SMTP_URL', 'SMTP_FROM']);
  if (!set) return undefined;
  const siteUrl = readSiteUrl(env);
  if (siteUrl === undefined) throw new Error('SAPAR_SITE_URL is missing, although SMTP_URL is set');
  if (!/^smtps?:\/\/./.test(set.SMTP_URL)) throw new Error('SMTP_URL must start with smtp:// or smtps://');
  const mailer = createMailer({ url: new Secret(set.SMTP_URL), from: set.SMTP_FROM, timeoutMs: limits.letterCallMs });
  return { mailer, siteUrl };
}

/** Where people find the site, for the links in letters and text messages. */
export function readSiteUrl(env: Environment): string | undefined {
  const value = text(env.SAPAR_SITE_URL);
  return value === undefined ? undefined : urlOf('SAPAR_SITE_URL', value).replace(/\/+$/, '');
}

/** `tele2=6006,beeline=341` */
function pairsOf(name: string, value: string): [string, string][] {
  return value
    .split(',')
    .filter((pair) => pair.trim() !== '')
    .map((pair) => {
      const [key = '', one = '', ...rest] = pair.trim().split('=');
      if (key === '' || one === '' || rest.length > 0) throw new Error(`${name} must read operator=value,…`);
      return [key, one];
    });
}

function numbersOf(name: string, value: string): Map<string, number> {
  return new Map(
    pairsOf(name, value).map(([operator, number]) => {
      if (!/^\d{1,15}$/.test(number)) throw new Error(`${name} must read operator=number,…`);
      return [operator, Number(number)];
    }),
  );
}

function routesOf(env: Environment, catalogue: Catalogue): Map<string, RouteId> {
  const known = catalogue.operators().map(({ id }): string => id);
  return new Map(
    pairsOf('SAPAR_ROUTES', env.SAPAR_ROUTES ?? '').map(([operator, name]) => {
      const route = routeIds.find((id) => id === name);
      if (!known.includes(operator))
        throw new Error(`SAPAR_ROUTES names ${operator}, which is not in the country pack`);
      if (!route) throw new Error(`SAPAR_ROUTES names ${name}, which is none of ${routeIds.join(', ')}`);
      return [operator, route];
    }),
  );
}
