import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';

/**
 * What the host process tells the site, read at each request: the site runs inside that process, and is loaded before the host
 * knows its own port.
 */
export function apiSettings(): { url: string; key: string } {
  const { SAPAR_API_URL: url = 'http://127.0.0.1:8080', SAPAR_SERVICE_KEY: key = '' } = process.env;
  return { url: url.replace(/\/+$/, ''), key };
}

const Demo = Type.Object({
  ussd: Type.Record(Type.String(), Type.String()),
  vouchers: Type.Optional(
    Type.Array(
      Type.Object({ operator: Type.String(), pin: Type.String(), amount: Type.String(), currency: Type.String() }),
    ),
  ),
});
type Demo = Static<typeof Demo>;

const demoShape = Compile(Demo);

export function demoIsOn(): boolean {
  return Boolean(process.env.SAPAR_DEMO);
}

/** The demo phone's gateways (each address is a secret) and cards; undefined where the demo is off. */
export function demoSettings(): Demo | undefined {
  const { SAPAR_DEMO: text } = process.env;
  if (!text) return undefined;
  const demo: unknown = JSON.parse(text);
  if (!demoShape.Check(demo))
    throw new Error('SAPAR_DEMO does not have the shape {ussd: {operator: URL}, vouchers: […]}');
  return demo;
}

/** Origins the payment services' pages live at: the only places outside the site that a form may lead to. */
export function paymentOrigins(): readonly string[] {
  const { SAPAR_PAYMENT_ORIGINS: list = '' } = process.env;
  return list
    .split(',')
    .flatMap((origin) => (/^https?:/.test(origin) && URL.canParse(origin) ? [new URL(origin).origin] : []));
}
