/**
 * Messages owed to people. Owing is part of the transaction that causes it, so a notice exists exactly when the money moved;
 * sending is somebody else's business and may take days. Text messages are the business of `sms/`: a queue that survives whatever
 * is killed, the port to SMS centres, receipts, and what a number wants to hear.
 */
export { createMailer, type Mailer } from './mail.ts';
export { createTextMessages, type SmsAnswer, type TextMessages } from './sms/messages.ts';
export type { SmsPatience } from './sms/settle.ts';
export { type Arrival, type Joining, joinings, readArrival, type SmppSmsSettings, smppSmsRoute } from './sms/smpp.ts';
export type { Sms, SmsRoute, SmsState } from './sms/sms.ts';
export type { SmsWaiting } from './sms/store.ts';
export { type NoticeKind, owe } from './store.ts';
