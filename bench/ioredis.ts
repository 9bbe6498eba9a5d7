/** Sessions in Redis through ioredis, as redis.ts through node-redis: a second pass, with its own floors. */
import { redisPart } from './redis/part.js';
import { answer } from './support/processes.js';

answer(({ quick }: { quick: boolean }) => redisPart('ioredis', quick));
