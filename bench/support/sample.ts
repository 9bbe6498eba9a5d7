/**
 * The session that every figure is about: ten fields, 963 bytes as JSON. Small and large fields, text and structure, as in
 * a shop; one of them (`views`) is what write requests raise.
 */

export interface Sample {
  views: number;
  name: string;
  locale: string;
  theme: string;
  csrf: string;
  roles: string[];
  cart: { sku: string; title: string; quantity: number; price: number }[];
  seen: number[];
  consent: { analytics: boolean; marketing: boolean; at: number };
  note: string;
}

export const SAMPLE_BYTES = 963;
export const SAMPLE_FIELDS = 10;

/** Other sizes, for what a session takes rather than what it costs: few fields and short, or a cart of many articles. */
export function sampleOf(bytes: number): object {
  if (bytes === SAMPLE_BYTES) return sample();
  const { views, name, locale, theme, note, ...rest } = sample();
  const few = { views, name, locale, theme, note: '' };
  if (bytes < SAMPLE_BYTES) return { ...few, note: 'n'.repeat(bytes - JSON.stringify(few).length) };
  const cart = Array.from({ length: Math.floor((bytes - SAMPLE_BYTES) / ARTICLE_BYTES) }, (_, i) => ({
    sku: `A-${1000 + i}`,
    title: `Article A-${1000 + i}`,
    quantity: 1,
    price: 9.95,
  }));
  const many = { ...few, ...rest, cart };
  return { ...many, note: 'n'.repeat(bytes - JSON.stringify(many).length) };
}

/** One more in a cart, as JSON. */
const ARTICLE_BYTES = 65;

/** A fresh copy each time: some entrants keep the very object that they are given. */
export function sample(): Sample {
  const begun: Sample = {
    views: 0,
    name: 'Ada Lovelace',
    locale: 'en-GB',
    theme: 'dark',
    csrf: 'Zk3vG0qT8mYd1rXcN5aWb7LhJ2sPfEuK',
    roles: ['customer', 'reviewer'],
    cart: ['A-1001', 'B-2002', 'C-3003'].map((sku, i) => ({
      sku,
      title: `Article ${sku}`,
      quantity: i + 1,
      price: 9.95,
    })),
    seen: Array.from({ length: 16 }, (_, i) => 100_000 + i * 37),
    consent: { analytics: true, marketing: false, at: 1_760_000_000_000 },
    note: '',
  };
  return { ...begun, note: 'n'.repeat(SAMPLE_BYTES - JSON.stringify(begun).length) };
}
