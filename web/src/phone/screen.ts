/** One screen as the gateway carries it: `CON ` keeps the dialogue open, `END ` closes it. */
export type Screen = {
  readonly state: 'open' | 'ended';
  readonly mark: 'CON' | 'END';
  readonly text: string;
  /** What it is written in, for those who listen to it; the network does not say, the letters do. */
  readonly language: string;
  readonly alphabet: 'GSM-7' | 'UCS-2';
  readonly length: number;
  readonly lengthMax: number;
};

/** A gateway's reply as a screen; undefined where it is neither CON nor END. */
export function readScreen(reply: string): Screen | undefined {
  const match = /^(CON|END) ([\s\S]*)$/.exec(reply);
  const [, mark, text] = match ?? [];
  if (text === undefined || (mark !== 'CON' && mark !== 'END')) return undefined;
  return { state: mark === 'CON' ? 'open' : 'ended', mark, text, language: languageOfText(text), ...measure(text) };
}

// 3GPP TS 23.038, 6.2.1: the default alphabet, and its extension table, whose characters take two places.
const gsm7 = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
);
const gsm7Extended = new Set('\f^{}\\[~]|€');

/** A USSD string is 160 octets (3GPP TS 23.038, 5.1): 182 characters of 7 bits, or 80 of 16. */
function measure(text: string): Pick<Screen, 'alphabet' | 'length' | 'lengthMax'> {
  const characters = [...text];
  const plain = characters.every((character) => gsm7.has(character) || gsm7Extended.has(character));
  if (!plain) return { alphabet: 'UCS-2', length: text.length, lengthMax: 80 };
  const doubled = characters.filter((character) => gsm7Extended.has(character)).length;
  return { alphabet: 'GSM-7', length: characters.length + doubled, lengthMax: 182 };
}

function languageOfText(text: string): string {
  if (/\p{Script=Han}/u.test(text)) return 'zh-Hans';
  if (/[әғқңөұүһі]/iu.test(text)) return 'kk';
  return /\p{Script=Cyrillic}/u.test(text) ? 'ru' : 'en';
}
