const second = 1_000;

/** Every bound of the site, units last. */
export const limits = {
  apiTimeoutMs: 4 * second,
  /** The API waits up to 15 s for a payment service. */
  apiPatienceMs: 20 * second,
  operatorsCacheMs: 60 * second,
  /** Aggregators wait 5 to 10 s for an answer; the browser phone is as patient as the most patient of them. */
  gatewayTimeoutMs: 10 * second,
  gatewayReplyLengthMax: 2_000,

  numberLengthMax: 64,
  dialledLengthMax: 182,
  answerLengthMax: 182,
  /** All inputs of one dialogue; whoever gets there has long left every menu. */
  pathLengthMax: 2_000,

  movementsShown: 8,
  cardsShown: 3,
  callersNotedMax: 1_000,
  cardPinDigitsMin: 12,
  cardPinDigitsMax: 20,

  amountLengthMax: 20,
  emailLengthMax: 254,
  codeLengthMax: 64,
  /** How often a page without script looks for news, by how many seconds there have been none. */
  statusRefreshes: [
    { until: 60, seconds: 5 },
    { until: 600, seconds: 15 },
  ],
  statusRefreshSecondsMax: 60,
  /** A lost stream is taken up again by the browser at once; only then is it worth a word. */
  streamLostMs: 6 * second,
  streamRetryMs: 3 * second,
  refundOfferedMs: 60 * second,
  redemptionShownSeconds: 10 * 60,

  languageCookieSeconds: 365 * 24 * 60 * 60,
  compressBytesMin: 1_000,
} as const;
