import { Type } from 'typebox';
import { currencyNames } from '../../base/money.ts';

// Shapes of orders as the site reads them; `$id`s become components of the OpenAPI description.

const moment = Type.String({ format: 'date-time' });
const orNull = <T extends ReturnType<typeof Type.String>>(type: T) => Type.Union([type, Type.Null()]);
const Money = Type.Object({ currency: Type.String(), amount: Type.String() });
const Currency = Type.Union(currencyNames.map((name) => Type.Literal(name)));

const Quote = Type.Object({
  price: Money,
  charge: Type.Object(
    { currency: Type.String(), amount: Type.String() },
    { description: 'What the method charges: the same money, or another currency where it does not know that one' },
  ),
  fee: Money,
  margin: Money,
  method: Type.String(),
  statement: orNull(Type.String({ description: "What the payer's statement will say" })),
  rates: Type.Array(
    Type.Object({
      currency: Type.String(),
      rate: Type.String({ description: 'Tenge for one unit' }),
      day: Type.String(),
      source: Type.String(),
    }),
  ),
  expiresAt: moment,
});

const Payment = Type.Object({
  no: Type.Integer(),
  provider: Type.String(),
  state: Type.String(),
  url: orNull(Type.String()),
  capturedAt: orNull(moment),
  providerReference: orNull(Type.String()),
});

const Delivery = Type.Object({
  route: Type.String(),
  attempt: Type.Integer(),
  state: Type.String(),
  reason: orNull(Type.String()),
  operatorReference: orNull(Type.String()),
  endedAt: orNull(moment),
  nextTryAt: orNull(moment),
  unknownSince: orNull(moment),
  correctUntil: orNull(moment),
});

const Refund = Type.Object({
  no: Type.Integer(),
  reference: Type.String(),
  amount: Money,
  state: Type.String(),
  promisedBy: Type.String({ description: 'The working day by which it arrives' }),
  createdAt: moment,
  endedAt: orNull(moment),
  reason: Type.String(),
});

const ability = Type.Boolean();

export const OrderAnswer = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    reference: Type.String({ description: 'What a person quotes, in groups of four' }),
    state: Type.String({
      description:
        'draft, quoted, awaiting_payment, expired, paid, sending, unknown, delivered, refused, refunding, refunded, case',
    }),
    stateSince: moment,
    createdAt: moment,
    operator: Type.String(),
    language: Type.String(),
    number: Type.Object({
      masked: Type.String(),
      tail: Type.String(),
      grouped: Type.Optional(
        Type.String({ description: 'Whole, until the order is placed; not where it came by a link' }),
      ),
    }),
    amount: orNull(Type.String()),
    currency: Type.Literal('KZT'),
    quote: Type.Union([Quote, Type.Null()]),
    needsConfirmation: Type.Boolean(),
    payment: Type.Union([Payment, Type.Null()]),
    delivery: Type.Union([Delivery, Type.Null()]),
    refunds: Type.Array(Refund),
    can: Type.Object({
      quote: ability,
      pay: ability,
      revise: ability,
      correct: ability,
      refund: ability,
      email: ability,
    }),
    isFinal: Type.Boolean(),
    deadlineAt: orNull(moment),
    case: Type.Union([Type.Object({ reason: Type.String(), since: moment }), Type.Null()]),
    contact: orNull(Type.String({ description: 'Where letters about it go, masked' })),
  },
  { $id: 'Order' },
);

export const MethodAnswer = Type.Object(
  { id: Type.String(), currencies: Type.Array(Currency), refundDays: Type.Integer() },
  { $id: 'PaymentMethod' },
);

export const CurrencyAnswer = Type.Object(
  {
    currency: Currency,
    available: Type.Boolean(),
    rate: orNull(Type.String()),
    day: orNull(Type.String()),
    source: orNull(Type.String()),
  },
  { $id: 'Currency' },
);

export const PriceAnswer = Type.Object(
  { amount: Type.String(), method: Type.String(), currency: Currency, price: Money, charge: Money, fee: Money },
  { $id: 'Price' },
);

export const LinkAnswer = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    operator: Type.String(),
    maskedNumber: Type.String(),
    amount: orNull(Type.String()),
    expiresAt: moment,
  },
  { $id: 'Link' },
);
