import { hash, timingSafeEqual } from 'node:crypto';
import { limits } from '../base/limits.ts';
import { matcherOf, parseNetwork } from '../base/networks.ts';
import { Refusal } from '../base/refusal.ts';
import type { Language } from '../i18n/index.ts';
import type { PartyId } from '../ledger/index.ts';

export const agentProtocols = ['osmp', 'kaspi'] as const;
export type AgentProtocol = (typeof agentProtocols)[number];

/** How an agent writes numbers: ten digits, or eleven that begin with 7, 8 or +7. Agreed on beforehand: another way is a wrong format. */
export const accountForms = ['national', 'seven', 'eight', 'plus'] as const;
export type AccountForm = (typeof accountForms)[number];

export const echoTags = ['osmp_txn_id', 'txn_id'] as const;
export const answerFormats = ['xml', 'json'] as const;

/** What a check may show the payer, so that a slip of the finger is seen before the money is in. Under a label of the agent's choice. */
export const fieldSubjects = ['number', 'operator'] as const;
export type DisplayField = { readonly shows: (typeof fieldSubjects)[number]; readonly label: string };

/** What staff agree on with one agent. Nothing in it is secret. */
export type AgentSettings = {
  readonly echoTag: (typeof echoTags)[number];
  readonly answer: (typeof answerFormats)[number];
  readonly accountForms: readonly AccountForm[];
  readonly sumMinorMin: bigint;
  readonly sumMinorMax: bigint;
  /** Whether the sum of a check is the one that will be paid. */
  readonly checkSum: boolean;
  readonly zoneMinutes: number;
  readonly language: Language;
  /** CIDR. None: from anywhere. */
  readonly networks: readonly string[];
  readonly user: string | undefined;
  /** The header in which our proxy names the client's certificate, and the fingerprints that are let in. */
  readonly certificateHeader: string | undefined;
  readonly certificates: readonly string[];
  readonly bin: string | undefined;
  readonly fields: readonly DisplayField[];
  /** How its register is laid out (docs/reconciliation.md), where it is not the usual one. */
  readonly register: unknown;
};

export type Agent = {
  readonly id: PartyId;
  readonly name: string;
  readonly protocol: AgentProtocol;
  /** Of the partner. */
  readonly status: 'active' | 'suspended';
  readonly settings: AgentSettings;
  readonly passwords: number;
  readonly changedAt: Date;
};

/** An agent as the door knows it: settings made ready to be asked thousands of times a second. */
export type AgentAtDoor = Agent & {
  readonly isFrom: (address: string) => boolean;
  readonly passwordHashes: readonly Buffer[];
};

const usual: Omit<AgentSettings, 'checkSum' | 'answer'> = {
  echoTag: 'osmp_txn_id',
  accountForms,
  sumMinorMin: limits.topupMinorMin,
  sumMinorMax: limits.topupMinorMax,
  zoneMinutes: 300,
  language: 'ru',
  networks: [],
  user: undefined,
  certificateHeader: undefined,
  certificates: [],
  bin: undefined,
  fields: [],
  register: undefined,
};

/** Kaspi's checks carry a dummy for a sum. */
export function settingsFor(protocol: AgentProtocol): AgentSettings {
  return protocol === 'osmp'
    ? { ...usual, answer: 'xml', checkSum: true }
    : { ...usual, answer: 'json', checkSum: false };
}

const LABEL = /^[^\p{Cc}=,]{1,40}$/u;
const USER = /^[A-Za-z0-9._~@-]{1,64}$/;
const HEADER = /^[a-z0-9-]{1,64}$/;
const BIN = /^\d{12}$/;
const FINGERPRINT = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

/** Settings in their one form, or a refusal that names the field. */
export function checkSettings(settings: AgentSettings, passwords: number): AgentSettings {
  const wrong = (field: string): never => {
    throw new Refusal('request.invalid', { field });
  };
  const networks = settings.networks.map((text) => parseNetwork(text) ?? wrong('networks'));
  const certificates = settings.certificates.map((text) => fingerprintOf(text) ?? wrong('certificates'));
  const certificateHeader = settings.certificateHeader?.toLowerCase();
  if (networks.length > limits.agentNetworksMax) wrong('networks');
  if (certificates.length > limits.agentCertificatesMax) wrong('certificates');
  if (settings.fields.length > limits.agentFieldsMax) wrong('fields');
  if (settings.accountForms.length === 0) wrong('accountForms');
  const { sumMinorMin, sumMinorMax } = settings;
  if (sumMinorMin < limits.topupMinorMin || sumMinorMin > sumMinorMax) wrong('sumMin');
  if (sumMinorMax > limits.topupMinorMax) wrong('sumMax');
  if (settings.user !== undefined && !USER.test(settings.user)) wrong('user');
  if (passwords > 0 && settings.user === undefined) wrong('user');
  if (settings.bin !== undefined && !BIN.test(settings.bin)) wrong('bin');
  if (!settings.fields.every(({ label }) => LABEL.test(label))) wrong('fields');
  if (certificateHeader !== undefined && !HEADER.test(certificateHeader)) wrong('certificateHeader');
  if (certificates.length > 0 !== (certificateHeader !== undefined)) wrong('certificateHeader');
  if (networks.length === 0 && passwords === 0 && certificates.length === 0) throw new Refusal('agent.unguarded');
  return { ...settings, networks, certificates, certificateHeader };
}

/** SHA-1 or SHA-256 in hex, however a tool or a proxy groups it. */
export function fingerprintOf(text: string): string | undefined {
  const digits = text.replaceAll(/[:\s]/g, '').toLowerCase();
  return FINGERPRINT.test(digits) ? digits : undefined;
}

/** What a caller shows of itself. */
export type Caller = {
  readonly address: string;
  readonly authorization: string | undefined;
  /** A header, as our own proxy has set it; undefined where the call did not come through one. */
  proxyHeader(name: string): string | undefined;
};

export type Admission = 'admitted' | 'foreign' | 'unproven';

/**
 * Whether a caller is this agent: each means that is set must be met. `foreign`: it is not, and nothing it could say would help; `unproven`: its
 * password is missing or wrong. Time tells neither how much of a password was right, nor which of the two.
 */
export function admit(agent: AgentAtDoor, caller: Caller): Admission {
  const { networks, certificates, certificateHeader } = agent.settings;
  if (networks.length > 0 && !agent.isFrom(caller.address)) return 'foreign';
  if (certificateHeader !== undefined) {
    const shown = fingerprintOf(caller.proxyHeader(certificateHeader) ?? '');
    if (shown === undefined || !isOneOf(digest(shown), certificates.map(digest))) return 'foreign';
  }
  if (agent.passwordHashes.length === 0) return 'admitted';
  const { user, password } = basicOf(caller.authorization);
  const isUser = isOneOf(digest(user), [digest(agent.settings.user ?? '')]);
  const isPassword = isOneOf(digest(password), agent.passwordHashes);
  return isUser && isPassword ? 'admitted' : 'unproven';
}

/** Compared with all of them, whichever fits. */
function isOneOf(given: Buffer, accepted: readonly Buffer[]): boolean {
  return accepted.filter((one) => timingSafeEqual(given, one)).length > 0;
}

export function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

const BASIC = /^basic +([A-Za-z0-9+/]{1,512}={0,2})$/i;

function basicOf(header: string | undefined): { user: string; password: string } {
  const [, encoded = ''] = BASIC.exec(header ?? '') ?? [];
  const [user = '', ...rest] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  return { user, password: rest.join(':') };
}

export function atDoor(agent: Agent, passwordHashes: readonly Buffer[]): AgentAtDoor {
  return { ...agent, passwordHashes, isFrom: matcherOf(agent.settings.networks) };
}
