import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Decrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import type { Platform } from './app.ts';
import { present } from './base/assert.ts';
import { parseAmount } from './base/money.ts';
import { Refusal } from './base/refusal.ts';
import { Secret } from './base/secret.ts';
import { type AgentProtocol, scopes } from './parties/index.ts';

/** One card of the demo with its PIN in clear: demo cards are worth demo money, and are made with the embedded database alone. */
type DemoCard = {
  readonly operator: string;
  readonly serial: string;
  readonly pin: string;
  readonly amount: string;
  readonly currency: 'KZT';
};

/** What a newcomer needs to try the platform; kept in `demo.json` of the data directory, mode 0600. */
export type Demo = {
  readonly ussdSecrets: ReadonlyMap<string, readonly Secret[]>;
  readonly vouchers: readonly DemoCard[];
  readonly partner: { readonly id: string; readonly key: string };
  /** A kiosk network and a bank, by their addresses here. */
  readonly agents: readonly { readonly name: string; readonly protocol: AgentProtocol }[];
};

type DemoFile = { partnerKey?: string; ussdSecrets?: Record<string, string>; cards?: DemoCard[] };

const PARTNER = 'demo';
const FLOAT = '10000000';
const VALUES = ['500', '1000', '2000', '5000'];
const CARDS_EACH = 10;
const LIVE_MIN = 24;
const CARD_LIFE_DAYS = 365;
const DAY_MS = 86_400_000;

/** Makes, or finds again, the demo's partner, gateway secrets and cards. Every door it opens is the real one. */
export async function openDemo(platform: Platform): Promise<Demo> {
  const file = join(platform.config.dataDir, 'demo.json');
  const kept = readDemoFile(file);
  const operators = platform.catalogue.operators().map((operator) => operator.id);
  const ussdSecrets = Object.fromEntries(
    operators.map((id) => [id, kept.ussdSecrets?.[id] ?? randomBytes(24).toString('base64url')]),
  );
  const isSameDatabase = await isKnown(platform, kept.partnerKey);
  const partner = await openPartner(platform, isSameDatabase ? kept.partnerKey : undefined);
  const cards = isSameDatabase ? await liveCards(platform, kept.cards ?? []) : [];
  for (const operator of operators) {
    if (cards.filter((card) => card.operator === operator).length < LIVE_MIN)
      cards.push(...(await issueCards(platform, operator)));
  }
  await openAgents(platform);
  writeDemoFile(file, { partnerKey: partner.key, ussdSecrets, cards });
  return {
    ussdSecrets: new Map(
      operators.map((id) => [id, [new Secret(present(ussdSecrets[id], 'each operator has a secret'))]]),
    ),
    vouchers: cards,
    partner,
    agents,
  };
}

/** Complete addresses of the gateways, secrets included. */
export function ussdUrls(demo: Demo, url: string): Record<string, string> {
  // Revealed to the newcomer who runs the demo, and to the site's server side.
  return Object.fromEntries(
    [...demo.ussdSecrets].map(([operator, [secret]]) => [
      operator,
      `${url}/ussd/at/${operator}/${secret?.reveal() ?? ''}`,
    ]),
  );
}

/** Serials begin anew in every database: what was kept beside another one would name its cards, with PINs that open nothing here. */
async function isKnown({ partners }: Platform, key: string | undefined): Promise<boolean> {
  if (key === undefined) return false;
  try {
    return (await partners.authenticate(key)).name === PARTNER;
  } catch (error) {
    if (error instanceof Refusal && error.code === 'auth.invalid') return false;
    throw error;
  }
}

async function openPartner(platform: Platform, keptKey: string | undefined): Promise<Demo['partner']> {
  const { partners } = platform;
  const partner = await partners.create(PARTNER, 'demo').catch((error: unknown) => {
    if (error instanceof Refusal && error.code === 'partner.exists') return partners.find(PARTNER);
    throw error;
  });
  await partners.fund({ name: PARTNER, amountMinor: parseAmount(FLOAT, 'KZT'), key: 'demo-float', actor: 'demo' });
  const key = keptKey ?? (await partners.createKey(PARTNER, scopes, 'demo')).token.reveal();
  return { id: partner.id, key };
}

const agents = [
  { name: 'demo-kiosk', protocol: 'osmp' },
  { name: 'demo-kaspi', protocol: 'kaspi' },
] as const;

/** Told apart by nothing but that they call from this machine: what they pay with is demo money. */
async function openAgents({ partners, agents: verbs }: Platform): Promise<void> {
  const isThere = (code: string) => (error: unknown) => {
    if (!(error instanceof Refusal) || error.code !== code) throw error;
  };
  const settings = { networks: ['127.0.0.0/8', '::1/128'], fields: [{ shows: 'number', label: 'Абонент' }] } as const;
  for (const { name, protocol } of agents) {
    await partners.create(name, 'demo').catch(isThere('partner.exists'));
    await partners.fund({ name, amountMinor: parseAmount(FLOAT, 'KZT'), key: 'demo-float', actor: 'demo' });
    await verbs.create({ name, protocol, settings, hasPassword: false, actor: 'demo' }).catch(isThere('agent.exists'));
  }
}

async function liveCards(platform: Platform, cards: readonly DemoCard[]): Promise<DemoCard[]> {
  const states = await Promise.all(
    cards.map((card) => platform.batches.card(BigInt(card.serial)).catch(() => undefined)),
  );
  return cards.filter((_, index) => states[index]?.state === 'active');
}

/** A batch of each value, through the same steps and the same four eyes as real ones; the "printer" is this process. */
async function issueCards(platform: Platform, operator: string): Promise<DemoCard[]> {
  const { batches, approvals, clock } = platform;
  const identity = await generateIdentity();
  const recipients = [await identityToRecipient(identity)];
  const dir = mkdtempSync(join(platform.config.dataDir, 'demo-print-'));
  const expiresAt = new Date(clock.now().getTime() + CARD_LIFE_DAYS * DAY_MS);
  const cards: DemoCard[] = [];
  try {
    for (const amount of VALUES) {
      const values = [{ unit: 'KZT' as const, amount: parseAmount(amount, 'KZT'), validDays: undefined }];
      const drafted = await batches.create({
        operator,
        values,
        count: CARDS_EACH,
        expiresAt,
        recipients,
        note: 'demo',
        maker: 'demo-maker',
      });
      await approvals.vote({ id: drafted.approval, checker: 'demo-checker' });
      const { printFile } = await batches.generate({ batch: drafted.batch.id, dir, actor: 'demo-maker' });
      const range = { first: drafted.batch.firstSerial, last: drafted.batch.lastSerial };
      const activation = await batches.requestChange({
        verb: 'activate',
        ...range,
        reason: 'demo',
        maker: 'demo-maker',
      });
      await approvals.vote({ id: activation.approval, checker: 'demo-checker' });
      const pins = await decrypt(printFile, identity);
      cards.push(
        ...pins.map(({ serial, pin }) => ({ operator, serial, pin, amount: `${amount}.00`, currency: 'KZT' as const })),
      );
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return cards;
}

/** Serial and PIN of each line of a print file; lines of any other form are its header. */
async function decrypt(printFile: string, identity: string): Promise<{ serial: string; pin: string }[]> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const text = await decrypter.decrypt(readFileSync(printFile), 'text');
  return [...text.matchAll(/^(\d+),([\d ]+),/gm)].map(([, serial = '', pin = '']) => ({
    serial,
    pin: pin.replaceAll(' ', ''),
  }));
}

function readDemoFile(file: string): DemoFile {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // Lost or damaged: everything in it can be made again.
    return {};
  }
}

function writeDemoFile(file: string, content: DemoFile): void {
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
