// Leaves out of the bundles what the AWS SDK can't need inside Lambda: half of its code. A cold start reads every byte.
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Plugin } from 'esbuild';

interface Replacement {
  /** What the SDK imports: a package, or a file of a client. */
  readonly filter: RegExp;
  readonly contents: string;
}

interface FileReplacement {
  readonly filter: RegExp;
  /** Made of what the file holds. */
  readonly contents: string | ((source: string) => string);
}

/** The same exports, of which none is ever called: `why` is what they are for. */
const nothingOf =
  (why: string) =>
  (source: string): string => {
    const names = [...source.matchAll(/export (?:async )?(?:const|function|class) (\w+)/g)].map(
      ([, name]) => name,
    );
    return [
      `const none = () => { throw new Error('No ${why} in this bundle'); };`,
      ...names.map((name) => `export const ${name} = none;`),
    ].join('\n');
  };

const packages: readonly Replacement[] = [
  {
    // In Lambda the credentials are always in the environment: no profiles, SSO or instance metadata.
    filter: /^@aws-sdk\/credential-provider-node$/,
    contents: `
      import { fromEnv } from '@aws-sdk/credential-provider-env';
      export const defaultProvider = () => fromEnv();`,
  },
  {
    // An LRU cache and a middleware that DynamoDB's endpoints do without.
    filter: /^@aws-sdk\/middleware-endpoint-discovery$/,
    contents: 'export const resolveEndpointDiscoveryConfig = (config) => config;',
  },
  // Loaded on demand by the SDK, in situations that neither service has: event streams, and browsers.
  { filter: /^(@smithy\/core\/event-streams|bowser)$/, contents: 'export {};' },
];

const files: readonly FileReplacement[] = [
  {
    // A class of fifteen lines for each error of a service, of which it is enough to know the name.
    filter: /client-dynamodb\/dist-es\/models\/errors\.js$/,
    contents: (source) => {
      const errors = source.matchAll(/export class (\w+) extends __BaseException \{[^}]*\$fault = "(\w+)"/g);
      return [
        "import { DynamoDBServiceException as Base } from './DynamoDBServiceException';",
        `const error = (name, $fault) => class extends Base {
          static shapeId = 'com.amazonaws.dynamodb#' + name;
          constructor(options) {
            super({ name, $fault, ...options });
            Object.assign(Object.setPrototypeOf(this, new.target.prototype), { name, $fault }, options);
          }
        };`,
        ...Array.from(errors, ([, name, fault]) => `export const ${name} = error('${name}', '${fault}');`),
      ].join('\n');
    },
  },
  {
    // The SDK's own seam between platforms. Ours knows the environment of Lambda and reads no configuration files.
    filter: /client-[a-z]+\/dist-es\/runtimeConfig\.js$/,
    contents: `
      import { calculateBodyLength } from '@smithy/core/serde';
      import { NodeHttpHandler, streamCollector } from '@smithy/node-http-handler';
      import { defaultProvider } from '@aws-sdk/credential-provider-node';
      import { getRuntimeConfig as getSharedRuntimeConfig } from './runtimeConfig.shared';
      export const getRuntimeConfig = (config) => {
        const shared = getSharedRuntimeConfig(config);
        return {
          bodyLengthChecker: calculateBodyLength,
          credentialDefaultProvider: defaultProvider,
          defaultUserAgentProvider: async () => [['serverless-im', '1']],
          maxAttempts: 3,
          region: process.env.AWS_REGION,
          retryMode: 'standard',
          streamCollector,
          useDualstackEndpoint: false,
          useFipsEndpoint: false,
          ...shared,
          ...config,
          runtime: 'node',
          requestHandler: NodeHttpHandler.create(config.requestHandler),
        };
      };`,
  },
  {
    // The rules for every partition, account and FIPS endpoint, 20 KB, come to this for a regional endpoint.
    filter: /client-[a-z]+\/dist-es\/endpoint\/endpointResolver\.js$/,
    contents: `
      export const defaultEndpointResolver = ({ Endpoint, Region }) => {
        const suffix = Region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
        const url = Endpoint ?? 'https://dynamodb.' + Region + '.' + suffix;
        return { url: new URL(typeof url === 'string' ? url : url.url), properties: {}, headers: {} };
      };`,
  },
  {
    // What each partition's endpoints are like, for rules that are not here (above).
    filter: /util-endpoints\/lib\/aws\/partitions\.js$/,
    contents: 'export const partitionsInfo = { partitions: [] };',
  },
  {
    // Names the invocation to services that could invoke us again, in a loop: neither of ours does.
    filter: /middleware-recursion-detection\/recursionDetectionMiddleware\.js$/,
    contents: 'export const recursionDetectionMiddleware = () => (next) => next;',
  },
  {
    // Endpoints of the environment are read by src/runtime; there is no configuration file.
    filter: /middleware-endpoint\/adaptors\/getEndpointFromConfig\.js$/,
    contents: 'export const getEndpointFromConfig = async () => undefined;',
  },
  {
    // Nothing that we ask of either service has a timestamp in it, or a body that is streamed.
    filter: /serde\/(date-utils|schema-serde-lib\/schema-date-utils)\.js$/,
    contents: nothingOf('timestamps'),
  },
  {
    filter: /util-stream\/sdk-stream-mixin(\.browser)?\.js$/,
    contents: nothingOf('streams'),
  },
  {
    filter: /middleware-endpoint\/service-customizations\/s3\.js$/,
    contents: nothingOf('buckets'),
  },
  {
    // Counts in the user agent which features a client uses.
    filter: /middleware-user-agent\/check-features\.js$/,
    contents: 'export const checkFeatures = async () => {};',
  },
  {
    // Writes requests to a logger, which we do not give it.
    filter: /middleware-logger\/loggerMiddleware\.js$/,
    contents: `
      export const loggerMiddleware = () => (next) => next;
      export const loggerMiddlewareOptions = { name: 'loggerMiddleware', step: 'initialize', override: true };
      export const getLoggerPlugin = () => ({ applyToStack: () => {} });`,
  },
  {
    // Takes what is secret out of what that would write.
    filter: /smithy-client\/schemaLogFilter\.js$/,
    contents: nothingOf('logger'),
  },
  {
    // SHA-256 in JavaScript, for platforms without node:crypto.
    filter: /checksum\/sha256\/Sha256Js\.js$/,
    contents: 'export class Sha256Js {}',
  },
  {
    // Chosen by a retry mode that we do not set.
    filter: /retry\/util-retry\/AdaptiveRetryStrategy\.js$/,
    contents: 'export class AdaptiveRetryStrategy {}',
  },
];

export interface SlimSdk {
  readonly plugin: Plugin;
  /** Replacements that no bundle asked for: an SDK that has moved its files must not grow the bundles unseen. */
  unused(): readonly RegExp[];
}

export function slimSdk(): SlimSdk {
  const unused = new Set([...packages, ...files].map(({ filter }) => filter));
  const plugin: Plugin = {
    name: 'slim-sdk',
    setup(build) {
      for (const { filter, contents } of packages) {
        build.onResolve({ filter }, ({ path, resolveDir }) => ({
          path,
          namespace: 'slim',
          pluginData: { resolveDir },
        }));
        build.onLoad({ filter, namespace: 'slim' }, ({ pluginData }) => {
          unused.delete(filter);
          return { contents, resolveDir: (pluginData as { resolveDir: string }).resolveDir };
        });
      }
      for (const { filter, contents } of files) {
        build.onLoad({ filter }, async ({ path }) => {
          unused.delete(filter);
          const replaced = typeof contents === 'string' ? contents : contents(await readFile(path, 'utf8'));
          return { contents: replaced, resolveDir: dirname(path) };
        });
      }
    },
  };
  return { plugin, unused: () => [...unused] };
}
