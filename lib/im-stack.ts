// The whole backend: tables, the WebSocket API in front of them, and the fan-out behind them.
import { CfnParameter, Stack, Tags, type StackProps } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { setBaseline } from './baseline.ts';
import type { Config } from './config.ts';
import { FanOut } from './fan-out.ts';
import { Media } from './media.ts';
import { Observability } from './observability.ts';
import { Offline } from './offline.ts';
import { ServiceApi } from './service-api.ts';
import { Tables } from './tables.ts';
import { WebChat } from './web-chat.ts';
import { Hooks } from './hooks.ts';
import { ImWebSocketApi } from './websocket-api.ts';

/** What a private, symmetric or encryption key has in its JSON: refused before it is stored anywhere. */
const unlessSecret =
  '(?!.*"(d|p|q|dp|dq|qi|oth|priv|k)"\\s*:)(?!.*"use"\\s*:\\s*"enc")(?!.*"kty"\\s*:\\s*"oct")';

const notEmpty = '^\\S(.*\\S)?$';

export class ImStack extends Stack {
  constructor(scope: Construct, id: string, config: Config, props?: StackProps) {
    const { kmsKey, tracing } = config;
    // Tables with a key of their own are made for one region: the key's.
    const region = kmsKey?.split(':')[3];
    super(scope, id, { ...props, ...(region !== undefined && { env: { region } }) });
    setBaseline(this, { tracing, ...(kmsKey !== undefined && { key: Key.fromKeyArn(this, 'Key', kmsKey) }) });
    Tags.of(this).add('project', 'serverless-im');
    Tags.of(this).add('stage', config.stage);

    // Whose tokens are good has no default: parameters, so that the template itself fits every stage and the laptop.
    const tokenKeys = new CfnParameter(this, 'TokenKeys', {
      description:
        'Keys that client tokens are verified with: the https URL of a JWKS, or one public JWK as JSON',
      allowedPattern: `^(https://.+|\\{${unlessSecret}.+\\})$`,
      constraintDescription: 'must be an https URL, or a public JWK for signatures',
    });
    const tokenIssuer = new CfnParameter(this, 'TokenIssuer', {
      description: 'The iss that client tokens must carry; * for any',
      allowedPattern: notEmpty,
    });
    const tokenAudience = new CfnParameter(this, 'TokenAudience', {
      description: 'The aud that client tokens must carry: this app, as the issuer names it; * for any',
      allowedPattern: notEmpty,
    });
    const environment = { IM_SETTINGS: JSON.stringify(config.settings) };

    const webChat = config.webChat ? new WebChat(this, 'WebChat', config) : undefined;
    const allowedOrigins = [...config.allowedOrigins, ...(webChat ? [webChat.origin] : [])];
    const tables = new Tables(this, 'Tables', config);
    const { bucket: media } = new Media(this, 'Media', { ...config, allowedOrigins });
    const { api, url, asking } = new ImWebSocketApi(this, 'WebSocket', {
      config: { ...config, allowedOrigins },
      tokens: {
        keys: tokenKeys.valueAsString,
        issuer: tokenIssuer.valueAsString,
        audience: tokenAudience.valueAsString,
      },
      tables,
      media,
      environment,
    });
    webChat?.deploy(url);
    const fanOut = new FanOut(this, 'FanOut', {
      tables,
      api,
      media,
      stageName: config.stage,
      parallelization: config.fanOutParallelization,
      reservedConcurrency: config.fanOutReservedConcurrency,
      environment,
    });
    const { failures } = fanOut;
    new Hooks(this, 'Hooks', { config, asking, tables, failures, environment });
    const offline = new Offline(this, 'Offline', { config, tables, failures, environment });
    fanOut.leaveNotesIn(offline.notifications);
    new ServiceApi(this, 'ServiceApi', { tables, media, api, config, environment });
    new Observability(this, 'Observability', { config, tables, api });
  }
}
