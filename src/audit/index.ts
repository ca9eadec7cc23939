/** The audit trail: append-only record of who did what, sealed into a SHA-256 chain in the background. */
export { record, seal, verify } from './chain.ts';
export type { Entry } from './store.ts';
