/**
 * The SMS door: whoever writes to us is answered, in four languages. The engine knows no protocol; what an SMS centre delivers is read in a file of the
 * protocol's own.
 */
export { readCommand, type SmsCommand } from './command.ts';
export { createSmsEngine, type SmsEngine, type SmsGateway } from './engine.ts';
export { takeDelivered } from './smpp.ts';
