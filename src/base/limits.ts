import { assert } from './assert.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** Every bound has a name and lives here. Units last: Ms, Bytes, Max. Relations are asserted below, at start. */
export const limits = {
  // db
  laneBatchMax: 512,
  laneQueueMax: 20_000,
  laneRetryMs: 8 * second,
  laneBackoffMs: 100,
  txRetriesMax: 5,
  /** No answer for this long means that the connection is gone, whatever the socket says. */
  answerTimeoutMs: 4 * second,
  statementTimeoutMs: 15 * second,
  /** The server ends a statement itself; only one that is gone says nothing for so long. */
  statementAnswerMs: 16 * second,
  /** The audit of a large database is one long statement after the other. */
  auditStatementMs: 24 * hour,
  connectTimeoutMs: 5 * second,
  poolConnectionsMax: 10,

  // http
  requestBodyBytesMax: 512 * 1024,
  requestTimeoutMs: 20 * second,
  headersTimeoutMs: 10 * second,
  /** How much later than their time slow callers are noticed. */
  connectionsCheckMs: 5 * second,
  pathPartLengthMax: 256,
  keepAliveMs: 65 * second,
  bulkItemsMax: 1_000,
  idempotencyKeyLengthMax: 128,
  drainMs: 10 * second,
  unauthenticatedPerMinuteMax: 300,
  pageRowsMax: 100,

  // sign-in by key
  apiKeyCacheMs: 2 * second,
  apiKeyCacheMax: 10_000,

  // agents: check/pay of kiosks and banks
  agentCacheMs: 2 * second,
  agentCacheMax: 1_000,
  /** A database that says nothing for so long is away, as far as an agent's settings go. */
  agentReadMs: second,
  agentRequestBytesMax: 16 * 1024,
  agentNetworksMax: 64,
  agentCertificatesMax: 8,
  agentFieldsMax: 8,

  // money
  bucketsEndedMax: 500,
  topupMinorMin: 100_00n,
  topupMinorMax: 50_000_00n,

  // vouchers (design: trust, "Vouchers")
  pinDigits: 16,
  pinDigitsMin: 12,
  pinDigitsMax: 20,
  batchCountMax: 10_000_000,
  batchValuesMax: 8,
  /** Times the largest batch it is a hundredth of what a ledger counter holds. */
  batchValueMinorMax: 10_000_000_000n,
  batchRecipientsMax: 4,
  batchNoteLengthMax: 200,
  cardLifeDaysMax: 3_650,
  creditLifeDaysMax: 3_650,
  generateAttemptsMax: 3,
  generateChunkCards: 2_048,
  endChunkCards: 20_000,
  scheduleDaysMax: 366,
  guessHitRateMax: 1e-8,
  approvalMs: 24 * hour,
  guessWindowMs: 30 * 24 * hour,
  guessKeyWindowMs: 10 * minute,
  guessKeyMissingMax: 100,
  guessAddressMissingMax: 30,
  breakerWindowMs: 5 * minute,
  breakerAttemptsMin: 500,
  breakerMissingShare: 0.3,
  breakerCleanMs: 10 * minute,
  redemptionsPerDayMax: 20,

  // orders: a customer pays (design: architecture, "Decisions")
  quoteMs: 15 * minute,
  draftMs: 24 * hour,
  linkMs: 7 * 24 * hour,
  /** A rate older than this prices nothing; tenge stays. */
  rateAgeMsMax: 36 * hour,
  rateRefreshMs: hour,
  /** After a source that failed. */
  rateRetryMs: minute,
  rateCacheMs: minute,
  rateCallMs: 10 * second,
  rateBytesMax: 256 * 1024,
  /** A feed that has nothing for a day is asked for the days before, the longest holidays included. */
  rateDaysBackMax: 7,
  /** A new number above this asks for its last four digits again. */
  confirmAboveMinor: 10_000_00n,
  paymentCallMs: 15 * second,
  /** A provider's page lives this much longer than we wait for it, where the provider demands a long life; ended by us before. */
  paymentPageSpareMs: 45 * minute,
  /** One call to an operator; sums with the margin below the time after which an order counts as abandoned by its worker. */
  deliverTimeoutMs: 20 * second,
  claimMs: 45 * second,
  /** Of an operator's answer, after decompression. */
  deliveryAnswerBytesMax: 64 * 1024,
  /** An access token is renewed this long before it ends. */
  tokenSpareMs: minute,
  /** A worker asks again what became of a payment of which no notification came. */
  paymentPollsMs: [20 * second, minute, 2 * minute, 4 * minute],
  /** After an order has lapsed: for money that landed late and of which no notification came. */
  latePollsMs: [5 * minute, hour, 24 * hour],
  /** When the outcome is unknown it is asked again then; the last one repeats. */
  enquiriesMs: [5 * second, 15 * second, minute, 5 * minute, 15 * minute, hour],
  underWayMs: second,
  unknownToldMs: 10 * minute,
  unknownCaseMs: 24 * hour,
  /** An operator that has never heard of a reference for this long has not received it: the same reference is sent again. */
  absentMs: 30 * second,
  /** A paid order that could not be sent (the operator is down) is given back then. */
  unsentMs: 15 * minute,
  unsentRetryMs: 15 * second,
  /** Times an operator that is down is tried for one order before the money goes back. */
  deliveryAttemptsMax: 4,
  /** A refused number may be corrected for this long before the money goes back by itself. */
  correctionMs: 10 * minute,
  refundRetriesMs: [5 * second, 30 * second, 5 * minute, 30 * minute, 2 * hour],
  refundTriesMax: 40,
  webhookBytesMax: 256 * 1024,
  refusedRecordedPerMinuteMax: 120,
  webhookAgeMsMax: 5 * minute,
  /** PayPal repeats a notification for three days, and does not say whether its time is that of the repeat. */
  paypalWebhookAgeMsMax: 73 * hour,
  /** Of a payment provider's answer; a few KB are usual. */
  paymentAnswerBytesMax: 1024 * 1024,
  certificateBytesMax: 64 * 1024,
  certificatesMax: 8,
  certificateFetchesMax: 4,
  ordersClaimedMax: 32,
  /** One process works on so many at once; most of them wait for somebody outside. */
  ordersInHandMax: 256,
  workerConnectionsMax: 4,
  workerPollMs: 500,
  breakerFailures: 8,
  breakerOpenMs: 15 * second,
  draftsPerMinuteMax: 60,
  pricedAmountsMax: 12,
  draftsSweptMax: 5_000,
  statusStreamMs: 10 * minute,
  /** An address is kept for so long after the last that happened to its order. */
  contactKeptMs: 30 * 24 * hour,
  contactChangesMax: 3,
  letterCallMs: 20 * second,
  letterRetriesMs: [10 * second, minute, 5 * minute, 30 * minute, 2 * hour],
  letterTriesMax: 40,

  // documents
  /** One document in the worker: a thousand times what it takes. */
  documentMs: 10 * second,
  documentQueueMax: 256,
  documentWorkerMegabytesMax: 256,
  cardsPerSheetMax: 10,

  // reconciliation: reports of providers and operators
  reportBytesMax: 512 * 1024 * 1024,
  reportLinesMax: 2_000_000,
  reportLineBytesMax: 64 * 1024,
  reportNameLengthMax: 200,
  reportChunkLines: 1_000,
  /** Clocks of two houses differ by less. */
  reportClockMs: minute,
  /** Lines older than this are compared when their file is imported, and then no more: what is open about them waits for staff. */
  reconciledMs: 100 * 24 * hour,
  /** What was paid this much earlier may still be given back or disputed. */
  reconciledReachMs: 200 * 24 * hour,
  /** A difference this near to the end of what is compared is not taken for gone: the line that made it one may be beyond. */
  reconciledEdgeMs: 30 * 24 * hour,
  differenceNoteLengthMax: 500,
  differencesListedMax: 500,

  // ussd
  ussdSessionMs: 3 * minute,
  ussdInputLengthMax: 182,
  ussdMovements: 5,
  ussdStepMs: 7 * second,
  ussdFormBytesMax: 16 * 1024,
  ussdSessionIdLengthMax: 128,
  ussdKeptMs: hour,
  ussdSweepRows: 5_000,
  ussdSweepBatchesMax: 100,

  // smpp
  /** A message of 64 KiB with all that may stand around it. */
  smppPduOctetsMax: 72 * 1024,
  smppConnectMs: 5 * second,
  smppBindMs: 10 * second,
  smppEnquireMs: 15 * second,
  smppEnquireAnswerMs: 10 * second,
  smppAnswerMs: 10 * second,
  smppUnbindMs: 5 * second,
  /** What is delivered is answered by then, or asked for again. */
  smppDeliverMs: 5 * second,
  smppReconnectMsMin: second,
  smppReconnectMsMax: minute,
  smppThrottleMsMin: 250,
  smppThrottleMsMax: 30 * second,
  smppWaitingMax: 10_000,
  smppInboundMax: 1_000,
  smppDialoguesMax: 50_000,
  /** Steps at work at once: a gateway that sends more is asked to wait. */
  smppStepsMax: 2_000,
  /** A screen that could not be sent by then is not looked at any more. */
  smppScreenMs: 20 * second,

  // links to operators' networks
  gatewayReportMs: 2 * second,
  /** A process that has said nothing for so long is not there. */
  gatewayGoneMs: 30 * second,
  gatewayForgottenMs: hour,
  gatewaySlotMs: 5 * second,
  gatewayDrainMs: 3 * minute,

  // text messages
  smsIntakeMax: 2_000,
  /** A phone that is off hears of a credit when it is on again, for so long. */
  smsValidMs: 3 * 24 * hour,
  /** Whoever asked by message has asked again by then, or looked elsewhere. */
  smsAnswerValidMs: 24 * hour,
  /** One copy is left to the SMS centre for so long; when that is over it cannot have it any more, and another may be sent. */
  smsHoldMs: 24 * hour,
  /** Its receipt may come so much later. */
  smsReceiptMs: 10 * minute,
  /** A receipt tells what became of a message of which no answer came; where none does, it is sent again. */
  smsUnknownMs: minute,
  smsBusyMs: 2 * second,
  smsRetriesMs: [30 * second, 2 * minute, 10 * minute, hour, 4 * hour, 12 * hour],
  smsClaimMs: 3 * minute,
  /** A message waits for its turn in a bind no longer than this; then it is put back, so that another bind can take it. */
  smsWaitMs: 30 * second,
  /** A message that the SMS centre calls undeliverable costs no more than so many. */
  smsUndeliveredMax: 3,
  smsInHandMax: 400,
  smsKeptMs: 30 * 24 * hour,
  smsSweepRows: 5_000,
  smsHintMs: hour,
  /** The same card by message again within so long is the centre's repeat, and told as the first. */
  smsRepeatMs: hour,
  smsContactSweepMs: hour,
  smsAnswersMax: 30,
  smsAnswersMs: hour,
  /** All parts of a long message have come by then, or some never do. */
  smsPieceMs: hour,
  smsPiecesMax: 10,
  smsInputLengthMax: 320,
  smsListedMax: 20,

  // a core network (GSUP)
  ipaPingMs: 20 * second,
  ipaSilenceMs: 30 * second,
  ipaHandshakeMs: 5 * second,
  ipaProofMs: 5 * second,
  ipaRetriesMs: [second, second, 2 * second, 5 * second, 10 * second],
  ipaFlushMs: second,
  ipaUnreadBytesMax: 1024 * 1024,
  ctrlTimeoutMs: 2 * second,
  ctrlWaitingMax: 1_000,
  gsupDialoguesMax: 20_000,
  /** osmo-hlr's own guard, unless it is told otherwise: a dialogue that waits longer is gone there. */
  gsupIdleMs: 30 * second,
  /** An answer of the HLR about a SIM's number is believed for so long. */
  gsupNumberKeptMs: minute,
  gsupNumbersMax: 50_000,
} as const;

/** Wrong tries in the window → how long the caller or target is barred. The last step needs staff. */
export const guessLadder = [
  { wrong: 5, barMs: 15 * minute },
  { wrong: 10, barMs: hour },
  { wrong: 15, barMs: 24 * hour },
  { wrong: 20, barMs: 24 * hour },
  { wrong: 25, barMs: 24 * hour },
  { wrong: 30, barMs: Number.POSITIVE_INFINITY },
] as const;

assert(
  limits.laneRetryMs < limits.requestTimeoutMs,
  'a caller hears of a lost database before its own request times out',
);
assert(limits.answerTimeoutMs < limits.laneRetryMs, 'a batch that met a dead connection is tried again');
assert(
  limits.connectionsCheckMs * 2 <= limits.headersTimeoutMs,
  'callers are looked at often enough for their limits to mean something',
);
assert(limits.statementTimeoutMs < limits.statementAnswerMs, 'a slow statement is told apart from a lost connection');
assert(limits.bulkItemsMax <= limits.laneQueueMax, 'one bulk request fits an empty lane');
assert(
  limits.pinDigits >= limits.pinDigitsMin && limits.pinDigits <= limits.pinDigitsMax,
  'default PINs can be dialled',
);
assert(
  limits.ussdStepMs < limits.laneRetryMs,
  'a subscriber hears something before a lane gives up on a lost database',
);
assert(
  Math.max(limits.deliverTimeoutMs, limits.paymentCallMs) < limits.claimMs,
  'an order is not taken up by another worker while it is being sent',
);
assert(limits.letterCallMs * 2 < limits.claimMs, 'a letter is not written by two workers');
assert(limits.rateRefreshMs < limits.rateAgeMsMax, 'a rate is replaced before it is too old');
assert(2 * limits.paymentCallMs < limits.claimMs, 'asking a provider and then acting fits into one claim');
assert(limits.documentMs < limits.requestTimeoutMs, 'who asks for a document hears before the request times out');
assert(limits.unknownToldMs < limits.unknownCaseMs, 'the payer hears before staff do');
assert(limits.correctionMs < limits.unsentMs, 'a payer who can correct the number has the time to');
assert(limits.reconciledEdgeMs < limits.reconciledMs, 'a difference can go by itself');
assert(limits.ipaPingMs < limits.ipaSilenceMs, 'a living HLR is heard before it counts as dead');
assert(
  limits.ctrlTimeoutMs + limits.ussdStepMs < limits.gsupIdleMs,
  'a dialogue outlives the search for its number and one step',
);
assert(
  limits.smsWaitMs + limits.smppAnswerMs < limits.smsClaimMs,
  'a message is not taken up by another worker while it is being handed over',
);
assert(limits.smsHoldMs + limits.smsReceiptMs < limits.smsValidMs, 'a lost receipt leaves time for another copy');
assert(limits.ussdSessionMs < limits.ussdKeptMs, 'a dropped dialogue is not swept while it may be resumed');
