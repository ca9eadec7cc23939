const second = 1_000;

/** Every bound of the site, units last. */
export const limits = {
  apiTimeoutMs: 4 * second,
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

  languageCookieSeconds: 365 * 24 * 60 * 60,
  compressBytesMin: 1_000,
} as const;
