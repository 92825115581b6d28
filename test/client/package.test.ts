// The SDK as strangers get it: a tarball, installed into an empty folder, in a strict TypeScript project, a Vite app and on
// plain Node.js.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build as bundle } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cloud } from '../../local/cloud.ts';
import { buildClient } from '../../scripts/build-client.ts';
import { startCloud } from '../support/cloud.ts';
import { laterIsApart } from './bundle.ts';
import { newUser } from './devices.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const tool = (name: string) => join(root, 'node_modules/.bin', name);

let folder: string;
let cloud: Cloud;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stranger-'));
  const built = join(folder, 'built');
  await buildClient(built);
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: built });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  await writeFile(join(folder, 'package.json'), '{"name":"stranger","private":true,"type":"module"}');
  const ours = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };
  const versions = { ...ours.dependencies, ...ours.devDependencies };
  const wanted = ['react', 'react-dom', '@types/react', '@types/react-dom', '@types/node'];
  const others = wanted.map((name) => `${name}@${versions[name]}`);
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline'];
  await run('npm', ['install', ...quiet, join(folder, filename), ...others], { cwd: folder });
  cloud = await startCloud();
}, 120_000);
afterAll(async () => {
  await cloud.close();
  await rm(folder, { recursive: true });
});

const app = `
import { useState } from 'react';
import { createRoot } from 'react-dom/client';
import { ImClient, ImError, type Message } from 'serverless-im-client';
import { uploadAvatar } from 'serverless-im-client/files';
import { IndexedDbStorage } from 'serverless-im-client/indexed-db';
import { ImProvider, useConversations, useDraft, useMessages } from 'serverless-im-client/react';
import { SharedClient } from 'serverless-im-client/tabs';

function Chat({ to }: { to: string }) {
  const { messages, loadOlder } = useMessages(to);
  const { conversations } = useConversations();
  const [draft, setDraft] = useDraft(to);
  const [last, setLast] = useState<Message>();
  return <main onClick={() => void loadOlder()}>{messages.length} {conversations?.length} {draft} {last?.body['text'] as string}
    <input onChange={(event) => { setDraft(event.target.value); setLast(undefined); }} /></main>;
}
const options = { url: 'wss://example.com', token: async () => 'x', platform: 'web' } as const;
const im: ImClient = await ImClient.open({ ...options, storage: await IndexedDbStorage.open('chat') });
const shared: SharedClient = await SharedClient.open({ ...options, name: 'chat', storage: () => IndexedDbStorage.open('chat') });
im.on('message', ({ message }) => console.log(message.seq.toFixed(), message.reactions?.[0]?.emoji));
// @ts-expect-error there is no such event
im.on('massage', () => {});
im.send('user:bob', 'hi').sent.catch((error: unknown) => error instanceof ImError && error.code);
const cancel = new AbortController();
const picture = await im.conversation('user:bob').sendFile(new File(['x'], 'x.png'), { signal: cancel.signal, onProgress: (sent, total) => console.log(sent / total) });
const address: string = await shared.mediaUrl(picture);
console.log(address, await im.mediaUrl(await uploadAvatar(im, new Blob(['x']))));
createRoot(document.body).render(<ImProvider client={shared}><Chat to="user:bob" /></ImProvider>);
`;

test.each([
  ['bundler', 'esnext'],
  ['node16', 'node16'],
])(
  'its types resolve and check under %s',
  async (moduleResolution, module) => {
    const directory = join(folder, `types-${moduleResolution}`);
    await mkdir(directory);
    await writeFile(join(directory, 'app.tsx'), app);
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      jsx: 'react-jsx',
      target: 'es2022',
      lib: ['es2023', 'dom'],
      types: ['node'],
      module,
      moduleResolution,
    };
    await writeFile(
      join(directory, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, include: ['app.tsx'] }),
    );
    const problems = await run(tool('tsc'), ['-p', directory]).catch((error: { stdout: string }) => error);
    expect(problems.stdout).toBe('');
  },
  60_000,
);

test('an app builds with it, without what it does not import', async () => {
  const directory = join(folder, 'app');
  await mkdir(directory);
  await writeFile(join(directory, 'app.tsx'), app.replace(/\/\/ @ts-expect.*\n.*massage.*\n/, ''));
  await writeFile(join(directory, 'index.html'), '<script type="module" src="./app.tsx"></script>');
  await run(tool('vite'), ['build', '--logLevel', 'error', '--target', 'es2022'], { cwd: directory });
  expect(await readFile(join(directory, 'dist/index.html'), 'utf8')).toContain('assets/');
  // Files to load when they are asked for.
  const assets = await readdir(join(directory, 'dist/assets'));
  expect(assets.filter((name) => name.startsWith('send-file-'))).toHaveLength(1);
  const page = await readFile(join(directory, 'dist/index.html'), 'utf8');
  expect(page).not.toContain('send-file-');
}, 60_000);

test('plain Node.js talks with it', async () => {
  const script = `
    import { connect } from 'serverless-im-client/node';
    import { ImError } from 'serverless-im-client';
    const [url, token, peer] = process.argv.slice(2);
    const im = await connect({ url, token: async () => token, platform: 'bot' });
    const { seq } = await im.send('user:' + peer, 'hello').sent;
    const conversation = im.conversation('user:' + peer);
    const error = await conversation.recall(99).catch((error) => error);
    const { sent } = await conversation.sendFile(new Blob(['a picture'], { type: 'image/png' }));
    const file = await (await fetch(await im.mediaUrl(await sent))).text();
    console.log(JSON.stringify({ seq, code: error.code, isImError: error instanceof ImError, file }));
    await im.close();
  `;
  await writeFile(join(folder, 'talk.js'), script);
  const userId = newUser('nora');
  const token = await cloud.issueToken(userId);
  const { stdout } = await run('node', ['talk.js', `${cloud.url}/dev`, token, userId], { cwd: folder });
  expect(JSON.parse(stdout)).toEqual({ seq: 1, code: 'not_found', isImError: true, file: 'a picture' });
}, 60_000);

const backend = `
  import { createServiceClient, ServiceError } from 'serverless-im-client/service';
  const [url = '', region = '', accessKeyId = '', secretAccessKey = '', userId = ''] = process.argv.slice(2);
  const service = createServiceClient({ url, region, credentials: async () => ({ accessKeyId, secretAccessKey }) });
  const { created } = await service.createUsers({ users: [{ userId, name: 'Olga' }] });
  const { results } = await service.sendMessages({
    from: 'system', to: ['user:' + userId], clientMsgId: 'welcome-olga', type: 'text', body: { text: 'welcome' },
  });
  const error = await service.user({ userId: 'nobody' }).catch((error) => error);
  const code = error instanceof ServiceError ? error.code : '';
  const [first] = results;
  console.log(JSON.stringify({ created, seq: first && 'seq' in first ? first.seq : 0, code }));
`;

test('a backend on plain Node.js calls the service API with it, with types', async () => {
  const directory = join(folder, 'backend');
  await mkdir(directory);
  await writeFile(join(directory, 'backend.ts'), backend);
  await writeFile(join(directory, 'package.json'), '{"type":"module"}');
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    target: 'es2022',
    module: 'node16',
    types: ['node'],
  };
  await writeFile(
    join(directory, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, include: ['backend.ts'] }),
  );
  const problems = await run(tool('tsc'), ['-p', directory]).catch((error: { stdout: string }) => error);
  expect(problems.stdout).toBe('');
  const { url, region, accessKeyId, secretAccessKey } = cloud.service!;
  const userId = newUser('olga');
  const access = [url, region, accessKeyId, secretAccessKey, userId];
  const { stdout } = await run('node', ['backend.js', ...access], { cwd: directory });
  expect(JSON.parse(stdout)).toEqual({ created: [userId], seq: 1, code: 'user_not_found' });
}, 60_000);

/** What an app pays for it at the start, over the wire. */
const sizeOf = async (contents: string) => {
  const { outputFiles } = await bundle({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external: ['react', 'node:*'],
    plugins: [laterIsApart],
    write: false,
  });
  return gzipSync(outputFiles[0]!.text).length;
};

test('each of its parts costs what it is worth', async () => {
  expect(await sizeOf(`export * from 'serverless-im-client'`)).toBeLessThanOrEqual(18.5 * 1024);
  expect(await sizeOf(`export * from 'serverless-im-client/indexed-db'`)).toBeLessThanOrEqual(2 * 1024);
  expect(await sizeOf(`export * from 'serverless-im-client/react'`)).toBeLessThanOrEqual(4 * 1024);
  // What the first file loads, and more.
  expect(await sizeOf(`export * from 'serverless-im-client/files'`)).toBeLessThanOrEqual(3 * 1024);
  expect(await sizeOf(`export * from 'serverless-im-client/service'`)).toBeLessThanOrEqual(3 * 1024);
  // One name of it is one name.
  expect(await sizeOf(`export { ImError } from 'serverless-im-client'`)).toBeLessThanOrEqual(1024);
});

test('an app has what files need in a file of its own, which is loaded with the first of them', async () => {
  const { outputFiles, metafile } = await bundle({
    absWorkingDir: folder,
    stdin: { contents: `export { ImClient } from 'serverless-im-client'`, resolveDir: folder },
    outdir: 'split',
    bundle: true,
    splitting: true,
    format: 'esm',
    metafile: true,
    logLevel: 'error',
    write: false,
  });
  const later = outputFiles.filter(({ path }) => /(send-file|media-url)-/.test(path));
  expect(later).toHaveLength(2);
  const kinds = Object.values(metafile.outputs).flatMap(({ imports }) =>
    imports.filter(({ path }) => /(send-file|media-url)-/.test(path)).map(({ kind }) => kind),
  );
  expect(kinds).toEqual(['dynamic-import', 'dynamic-import']);
});
