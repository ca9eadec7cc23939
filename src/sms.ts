import type { Platform } from './app.ts';
import { limits } from './base/limits.ts';
import { createSmsEngine, takeDelivered } from './channels/sms/index.ts';
import type { SmppDeps, SmppGateway } from './gateway_smpp.ts';
import { usesOf } from './gateway_smpp.ts';
import { type SmsRoute, smppSmsRoute } from './notices/index.ts';
import { readSiteUrl } from './outside.ts';

/** The SMS door of this process: what comes in by any bind, and a route out by each that carries text messages. */
export type SmsDoor = {
  readonly onSms: NonNullable<SmppDeps['onSms']>;
  /** Begins to send what is owed, once the binds are open. */
  start(gateways: readonly SmppGateway[]): void;
};

export function smsDoor(platform: Platform, onCommand: (operator: string, command: string) => void): SmsDoor {
  const { topups, subscribers, catalogue, orders, sms: messages, clock, config } = platform;
  const siteUrl = readSiteUrl(config.env);
  // A link is of use where somebody can pay.
  const isSold = siteUrl !== undefined && orders.methods().length > 0;
  const engine = createSmsEngine({
    topups,
    subscribers,
    catalogue,
    messages,
    clock,
    links: isSold ? { siteUrl, link: orders.link } : undefined,
    onCommand,
  });
  return {
    onSms: (gateway, message) => takeDelivered({ engine, messages }, seen(gateway), message),
    start: (gateways) => messages.startWorking(gateways.filter(({ row }) => usesOf(row).has('sms')).map(routeOf)),
  };
}

/** A bind as people see it. */
function seen({ id, operator, language, coding, row }: SmppGateway) {
  return { id, operator, language, coding, dialCode: row.codes?.[0] };
}

/** Enough in hand that the window is full while others are read and written down. */
const HANDS = 4;
/** Of a row that says nothing, see gateway_smpp.ts. */
const WINDOW = 10;

function routeOf({ id, operator, language, coding, row, esme }: SmppGateway): SmsRoute {
  return smppSmsRoute(esme, {
    id,
    operator,
    language,
    coding,
    sender: senderOf(row.sender ?? ''),
    inHandMax: Math.min(limits.smsInHandMax, HANDS * (row.window ?? WINDOW)),
    ...(row.smsServiceType === undefined ? {} : { serviceType: row.smsServiceType }),
    ...(row.joining === undefined ? {} : { joining: row.joining }),
    ...(row.receipts === undefined ? {} : { hasReceipts: row.receipts }),
  });
}

const INTERNATIONAL = { ton: 1, npi: 1 };
const SHORT_CODE = { ton: 3, npi: 0 };
const NAME = { ton: 5, npi: 0 };
const SHORT_MAX = 8;

/** Type and plan of a sender by its look: a number, a short code, or a name (SMPP 3.4, 5.2.5). */
function senderOf(text: string) {
  if (!/^\+?\d+$/.test(text)) return { ...NAME, address: text };
  const address = text.replace(/^\+/, '');
  return { ...(address.length <= SHORT_MAX ? SHORT_CODE : INTERNATIONAL), address };
}
