/** Sessions in Redis through node-redis, the client that Redis recommends: see redis/part.ts. */
import { redisPart } from './redis/part.js';
import { answer } from './support/processes.js';

answer(({ quick }: { quick: boolean }) => redisPart('node-redis', quick));
