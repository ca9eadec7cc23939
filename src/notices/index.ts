/**
 * Messages owed to people. Owing is part of the transaction that causes it, so a notice exists exactly when the money moved;
 * sending is somebody else's business and may take days.
 */
export { createMailer, type Mailer } from './mail.ts';
export { type NoticeKind, owe } from './store.ts';
