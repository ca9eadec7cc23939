import { type Keyring, seal, unseal } from '../../base/keyring.ts';
import { limits } from '../../base/limits.ts';
import { type Db, withTx } from '../../db/index.ts';
import * as store from './contact_store.ts';

export type Piece = store.Piece;

/**
 * Keeps one part of a long message that comes in, and answers the whole text once all parts have come, whichever connection brought them. Sealed, because
 * somebody may send a card's code in it.
 */
export function joinPiece(
  { db, keyring, at }: { db: Db; keyring: Keyring; at: Date },
  piece: Piece,
  text: string,
): Promise<string | undefined> {
  if (piece.pieces > limits.smsPiecesMax) return Promise.resolve(undefined);
  const context = `sms piece ${piece.numberIndex} ${piece.gateway} ${piece.reference}`;
  return withTx(db, async (tx) => {
    store.keepPiece(tx, piece, { sealed: seal(keyring.masterKey, Buffer.from(text), context), at });
    const found = await store.readPieces(tx, piece, new Date(at.getTime() - limits.smsPieceMs));
    if (found.length < piece.pieces) return undefined;
    store.dropPieces(tx, piece);
    return found.map(({ text_sealed }) => unseal(keyring.masterKey, text_sealed, context).toString()).join('');
  });
}
