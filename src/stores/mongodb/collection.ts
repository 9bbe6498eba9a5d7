/**
 * The part of a collection of the `mongodb` package (6, 7) that the store uses, in words of its own: nothing of the package is imported.
 *
 * Every read says how values come back, whatever the application has set for its client: bytes as Buffers, numbers as numbers; and
 * that the primary answers, since a secondary may not know yet what was acknowledged.
 */

export interface MongoCollection {
  findOne(filter: object, options?: object): Promise<object | null>;
  find(filter: object, options?: object): { toArray(): Promise<readonly object[]> };
  insertOne(document: object): Promise<unknown>;
  replaceOne(filter: object, document: object): Promise<{ readonly matchedCount: number } | object>;
  findOneAndUpdate(filter: object, update: object, options: object): Promise<object | null>;
  deleteOne(filter: object): Promise<unknown>;
  deleteMany(filter: object): Promise<{ readonly deletedCount: number }>;
  createIndex(keys: Record<string, 1>, options?: object): Promise<string>;
  indexes(): Promise<readonly object[]>;
}

export const reading: object = {
  promoteBuffers: true,
  promoteValues: true,
  promoteLongs: true,
  useBigInt64: false,
  raw: false,
  readPreference: 'primary',
};
