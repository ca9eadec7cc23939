/** Read-only questions over everything below: the audit of the books. Changes nothing. */
export { type AuditCheck, audit, recompute } from './audit.ts';
