/**
 * Messages owed to people. Owing is part of the transaction that causes it, so a notice exists exactly when the money moved;
 * sending is somebody else's business and may take days.
 */
export { type NoticeKind, owe } from './store.ts';
