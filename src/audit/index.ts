/**
 * Who did what, and who agreed: the append-only record, sealed into a SHA-256 chain in the background, and approvals, which the
 * database itself holds to four eyes, to the exact request and to their expiry.
 */
export {
  type Action,
  type Actions,
  type Approval,
  type ApprovalRequest,
  type ApprovalState,
  type Approvals,
  createApprovals,
  type Given,
  parseActor,
  requestApproval,
  type Vote,
} from './approvals.ts';
export { type Chain, record, seal, verify, walk } from './chain.ts';
export { parseReason } from './reason.ts';
export type { Entry } from './store.ts';
