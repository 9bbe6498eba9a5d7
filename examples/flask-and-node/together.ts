/**
 * Flask and Node behind one nginx, one login for both: `npm run flask-and-node`, or with `-- --redis`.
 *
 * Everything runs on loopback, with its files in a temporary folder, and ends with this program. Pages under /flask are Flask's, those
 * under /node Node's, and all others go to either in turn, as behind a load balancer.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { redis: { type: 'boolean', default: false }, port: { type: 'string', default: '8080' } },
});
const folder = mkdtempSync(join(tmpdir(), 'sj-flask-'));
const children: ChildProcess[] = [];
let ending = false;
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    ending = true;
    process.exit(0);
  });
}

const [front, flask, node, redis] = await freePorts(Number(values.port), 4);
const env = {
  SECRET_KEY: randomBytes(32).toString('base64url'),
  ...(values.redis && { REDIS_PORT: String(redis) }),
};
if (values.redis) run('redis-server', ['--port', `${redis}`, '--bind', '127.0.0.1', '--save', '', '--dir', folder]);
if (values.redis) await answers(redis);
run(python(), [source('flask_app.py')], { ...env, PORT: String(flask) });
run(process.execPath, [fileURLToPath(new URL('node-app.js', import.meta.url))], { ...env, PORT: String(node) });
writeFileSync(join(folder, 'nginx.conf'), nginxConf());
run(existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx', [
  ...['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')],
]);
await Promise.all([front, flask, node].map(answers));

const place = values.redis ? 'in Redis, as Flask-Session keeps them' : "in Flask's own cookie";
console.log(`Flask and Node share their sessions ${place}. The door: http://127.0.0.1:${front}
  Try:  curl -c jar -b jar -X POST 'http://127.0.0.1:${front}/flask/login?user=ann'
        curl -c jar -b jar http://127.0.0.1:${front}/node/see
  Ctrl-C ends it.`);

/** A program that belongs to this one: if it ends, so do all. */
function run(program: string, args: readonly string[], more: Record<string, string> = {}): void {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...more } });
  children.push(child);
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk).slice(-4000);
  });
  const gone = (why: string) => {
    if (ending) return;
    ending = true;
    console.error(`${program} ${why}.\n${said}\nFlask, Flask-Session, nginx and Redis come, on Debian, with:
  apt-get install python3-flask python3-flask-session python3-redis nginx-light redis-server`);
    process.exit(1);
  };
  child.on('error', (error) => gone(`could not be started (${error.message})`));
  child.on('exit', (code) => gone(`ended with ${code}`));
}

/** Debian's Python, which has Debian's packages; PYTHON names another one. */
function python(): string {
  return process.env.PYTHON ?? (existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3');
}

/** A file beside this one's source: only programs are compiled, the rest stays where it was. */
function source(name: string): string {
  const beside = fileURLToPath(new URL(name, import.meta.url));
  return existsSync(beside)
    ? beside
    : fileURLToPath(new URL(`../../../examples/flask-and-node/${name}`, import.meta.url));
}

function nginxConf(): string {
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  return `daemon off; worker_processes 1; pid ${folder}/nginx.pid;
events {}
http {
  access_log off; ${temp.join(' ')}
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-Proto $scheme;
  upstream flask { server 127.0.0.1:${flask}; }
  upstream node { server 127.0.0.1:${node}; }
  upstream either { server 127.0.0.1:${flask}; server 127.0.0.1:${node}; }
  server {
    listen 127.0.0.1:${front};
    location /flask/ { proxy_pass http://flask/; }
    location /node/ { proxy_pass http://node/; }
    location / { proxy_pass http://either; }
  }
}
`;
}

/** The first `count` ports from `from` on that nobody listens on. */
async function freePorts(from: number, count: number): Promise<[number, number, number, number]> {
  const found: number[] = [];
  for (let port = from; found.length < count && port < from + 200; port++) if (await isFree(port)) found.push(port);
  if (found.length < count) throw new Error(`No ${count} free ports from ${from} on.`);
  return found as [number, number, number, number];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** Resolves when somebody listens there. */
async function answers(port: number): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('close', () => {}).on('connect', () => socket.end());
    });
    if (isThere) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Nobody listens on port ${port}.`);
}
