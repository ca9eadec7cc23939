import Type from 'typebox';
import { osmoLimits } from './channels/ussd/index.ts';
import { languages } from './i18n/index.ts';

const places = (least: { gsm7: number; ucs2: number }) =>
  Type.Object(
    {
      gsm7: Type.Integer({ minimum: least.gsm7, maximum: 182 }),
      ucs2: Type.Integer({ minimum: least.ucs2, maximum: 91 }),
    },
    { additionalProperties: false },
  );

/** What every row of the gateway file has, whatever its protocol. */
export const rowFields = {
  id: Type.String({ pattern: '^[a-z][a-z0-9-]{0,39}$' }),
  operator: Type.String(),
  language: Type.Optional(Type.Enum([...languages])),
};

/** What is dialled to come here, `*111#`. */
export const rowCodes = Type.Array(Type.String({ pattern: '^\\*\\d{1,6}(\\*\\d{1,6})*#$' }), { minItems: 1 });

/** Room for a screen, where a network gives other room than is usual for its protocol. */
export const rowLimits = Type.Object(
  { menu: places(osmoLimits.menu), final: places(osmoLimits.final) },
  { additionalProperties: false },
);
