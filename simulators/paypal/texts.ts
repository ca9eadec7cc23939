/** What only PayPal's page says: the payer agrees, and the shop takes the money afterwards. */
export type PaypalTexts = {
  readonly pay: string;
  readonly stay: string;
  readonly stayNote: string;
  readonly approved: string;
};

const en: PaypalTexts = {
  pay: 'Pay with the test account',
  stay: 'Pay and close the page',
  stayNote: 'The shop hears of it although you do not go back.',
  approved: 'You have agreed to this payment. You can close this page.',
};

const zh: PaypalTexts = {
  pay: '使用测试账户付款',
  stay: '付款后直接关闭页面',
  stayNote: '即使您不返回，商家也会收到通知。',
  approved: '您已同意付款，可以关闭此页面。',
};

const ru: PaypalTexts = {
  pay: 'Оплатить с тестового счёта',
  stay: 'Оплатить и закрыть страницу',
  stayNote: 'Магазин узнает об этом, даже если вы не вернётесь.',
  approved: 'Вы подтвердили оплату. Страницу можно закрыть.',
};

const kk: PaypalTexts = {
  pay: 'Сынақ шотынан төлеу',
  stay: 'Төлеп, бетті жабу',
  stayNote: 'Сіз қайта оралмасаңыз да, дүкенге хабар барады.',
  approved: 'Сіз төлемді растадыңыз. Бетті жабуға болады.',
};

const texts: ReadonlyMap<string, PaypalTexts> = new Map(Object.entries({ en, zh, ru, kk }));

/** English where the language is none of ours. */
export function paypalTexts(language: string): PaypalTexts {
  return texts.get(language) ?? en;
}
