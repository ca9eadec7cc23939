/**
 * PostgreSQL: connections, transactions, lanes (the batcher), migrations, the embedded cluster and its supervisor.
 * Knows nothing of the business above it. A transaction is run again when it lost a race; a lane turns many callers into
 * one transaction; nothing here awaits the network inside one.
 */
export {
  closeDb,
  type Db,
  isAlive,
  openDb,
  pgArray,
  pgTextArray,
  type Row,
  read,
  type Statement,
  type Tx,
  withTx,
} from './connection.ts';
export { type CopyIn, type Load, withLoad } from './copy.ts';
export { assertDurable, type EmbeddedDatabase, startEmbedded } from './embedded.ts';
export { gather } from './gather.ts';
export { type Answer, createLanes, type Lanes, type Turn } from './lanes.ts';
export { migrate } from './migrate.ts';
export { dumpSchema } from './schema.ts';
