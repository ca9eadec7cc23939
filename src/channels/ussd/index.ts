/**
 * The USSD door: menus for people without mobile data. The engine knows no protocol; each gateway protocol has a file of its own that
 * parses a step in and renders a screen out.
 */
export { type AtOptions, ussdAtRoutes } from './at.ts';
export { createUssdEngine, type UssdDeps, type UssdEngine, type UssdStep } from './engine.ts';
export { networkLimits, osmoLimits, type UssdGateway, type UssdLimits, ussdGateway } from './gateway.ts';
export { type GsupOptions, openGsup } from './gsup.ts';
export { type HttpGateway, openHttpGateway, ussdHttpRoutes } from './http.ts';
export { type HttpProtocolName, httpProtocolNames, httpProtocols } from './http_protocols.ts';
export type { UssdInput, UssdReply } from './memory.ts';
export { SmppUssd, type SmppUssdOptions } from './smpp.ts';
export { type DialectName, dialectNames, isUssd } from './smpp_dialects.ts';
