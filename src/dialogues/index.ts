/**
 * Memory of USSD dialogues, shared by all processes, so that any of them can answer any step. Promises: what was saved is what the next
 * load answers; a session is its number's alone; a number's latest other dialogue is found for a redial; nothing is kept
 * longer than an hour after its last step. Losing it all (it is unlogged) costs a redial, never money.
 */
export { createDialogues, type Dialogue, type DialogueRef, type Dialogues } from './dialogues.ts';
