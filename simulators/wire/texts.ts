/** What a payment provider's page says, in the languages its payers read. The provider's own name goes into `{name}`. */
export type PageTexts = {
  readonly notice: string;
  readonly title: string;
  readonly order: string;
  readonly pay: string;
  readonly decline: string;
  readonly late: string;
  readonly lateNote: string;
  readonly lateFail: string;
  readonly leave: string;
  readonly declined: string;
  readonly paid: string;
  readonly pending: string;
  readonly expired: string;
  readonly unknown: string;
  readonly back: string;
};

const en: PageTexts = {
  notice: 'This is a simulator of {name}. No money moves.',
  title: 'Payment',
  order: 'Order',
  pay: 'Pay with a test card',
  decline: 'Use a card that is declined',
  late: 'Pay by transfer that arrives later',
  lateNote: 'The money arrives in about {seconds} s.',
  lateFail: 'Pay by transfer that fails later',
  leave: 'Leave without paying',
  declined: 'The card was declined. No money was taken. You can try again.',
  paid: 'This payment is complete.',
  pending: 'This payment is on its way.',
  expired: 'This payment page has expired. Nothing was charged.',
  unknown: 'There is no such payment.',
  back: 'Back to the shop',
};

const zh: PageTexts = {
  notice: '这是 {name} 的模拟页面，不会产生真实扣款。',
  title: '付款',
  order: '订单',
  pay: '使用测试卡付款',
  decline: '使用会被拒绝的卡',
  late: '使用稍后到账的转账付款',
  lateNote: '款项约 {seconds} 秒后到账。',
  lateFail: '使用稍后失败的转账付款',
  leave: '不付款，返回',
  declined: '该卡被拒绝，未扣款。您可以重试。',
  paid: '这笔付款已完成。',
  pending: '这笔付款正在处理中。',
  expired: '付款页面已过期，未扣款。',
  unknown: '没有这笔付款。',
  back: '返回商家',
};

const ru: PageTexts = {
  notice: 'Это имитация {name}. Деньги не списываются.',
  title: 'Оплата',
  order: 'Заказ',
  pay: 'Оплатить тестовой картой',
  decline: 'Карта, которую банк отклонит',
  late: 'Перевод, который придёт позже',
  lateNote: 'Деньги придут примерно через {seconds} с.',
  lateFail: 'Перевод, который позже не пройдёт',
  leave: 'Вернуться без оплаты',
  declined: 'Карта отклонена, деньги не списаны. Можно попробовать ещё раз.',
  paid: 'Этот платёж завершён.',
  pending: 'Этот платёж обрабатывается.',
  expired: 'Срок страницы оплаты истёк. Деньги не списаны.',
  unknown: 'Такого платежа нет.',
  back: 'Вернуться в магазин',
};

const kk: PageTexts = {
  notice: 'Бұл — {name} имитациясы. Ақша алынбайды.',
  title: 'Төлем',
  order: 'Тапсырыс',
  pay: 'Сынақ картасымен төлеу',
  decline: 'Банк қабылдамайтын карта',
  late: 'Кейінірек түсетін аударым',
  lateNote: 'Ақша шамамен {seconds} секундтан кейін түседі.',
  lateFail: 'Кейінірек өтпей қалатын аударым',
  leave: 'Төлемей қайту',
  declined: 'Карта қабылданбады, ақша алынған жоқ. Қайталап көруге болады.',
  paid: 'Бұл төлем аяқталды.',
  pending: 'Бұл төлем өңделуде.',
  expired: 'Төлем бетінің мерзімі өтті. Ақша алынған жоқ.',
  unknown: 'Мұндай төлем жоқ.',
  back: 'Дүкенге оралу',
};

const texts: ReadonlyMap<string, PageTexts> = new Map(Object.entries({ en, zh, ru, kk }));

/** `zh-CN`, `ru`, or an Accept-Language header; English where nothing fits. */
export function pageTexts(wanted: string | undefined): { language: string; texts: PageTexts } {
  for (const part of (wanted ?? '').split(',')) {
    const language = part.trim().slice(0, 2).toLowerCase();
    const found = texts.get(language);
    if (found) return { language, texts: found };
  }
  return { language: 'en', texts: en };
}

export function fill(text: string, blanks: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (blank, name: string) => blanks[name] ?? blank);
}
