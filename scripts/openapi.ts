// Writes docs/openapi.json, the service API as OpenAPI 3.1: the sentences are here, all else comes from the schemas.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { errorAdvice, errorCodes, errorStatuses, type ErrorCode } from '../src/protocol/errors.ts';
import { serviceAnswers, serviceErrorSchema } from '../src/protocol/service-answers.ts';
import { serviceOperations } from '../src/protocol/service-operations.ts';
import { serviceRoutes, type ServiceRoute } from '../src/protocol/service-routes.ts';
import { jsonSchema, withBodies, type Json } from './json-schema.ts';

export const openApiDocument = fileURLToPath(new URL('../docs/openapi.json', import.meta.url));

const whatItDoes: Readonly<Record<ServiceRoute, string>> = {
  'POST /v1/messages': 'Sends a message to users and groups, once each however often it is asked for.',
  'POST /v1/import': 'Takes over messages of another system with their own times, silently, oldest first.',
  'POST /v1/users': 'Makes users known before they first connect. Those that exist stay as they are.',
  'GET /v1/users/{userId}': 'Devices, presence and unread messages of a user.',
  'POST /v1/users/{userId}/kick': 'Ends connections of a user: of one device, of a platform, or all.',
  'POST /v1/users/{userId}/ban': 'Keeps a user out for a time; 0 seconds end it.',
  'POST /v1/users/{userId}/revoke': 'Takes the tokens that were issued to a user before now.',
  'DELETE /v1/users/{userId}': 'Erases a user: what they said, their files, and what is kept of them.',
  'GET /v1/users/{userId}/export':
    'Begins today’s export of what a user may see, or gives it out: JSON Lines.',
  'POST /v1/groups': 'Makes a group of a user’s. The same clientGroupId names the same group.',
  'POST /v1/groups/{id}/members': 'Adds users to a group, in the name of its owner or of another member.',
  'DELETE /v1/groups/{id}/members/{userId}': 'Removes a user from a group, likewise.',
  'DELETE /v1/groups/{id}': 'Dismisses a group.',
  'POST /v1/broadcasts': 'Begins to send a message to many users, or to all.',
  'GET /v1/broadcasts/{id}': 'How far a broadcast is.',
  'DELETE /v1/broadcasts/{id}': 'Stops a broadcast within about a second.',
};

interface ObjectSchema extends Json {
  readonly properties?: Readonly<Record<string, Json>>;
  readonly required?: readonly string[];
  /** Of messages, by type; these have no properties of their own. */
  readonly oneOf?: readonly Json[];
}

export function renderOpenApi(): string {
  const operations = Object.entries(serviceOperations).map(([name, route]) => describe(name, route));
  const paths: Record<string, Json> = {};
  for (const { path, method, operation } of operations) paths[path] = { ...paths[path], [method]: operation };
  const schemas = Object.assign({}, ...operations.map((operation) => operation.schemas)) as Json;
  const document = {
    openapi: '3.1.1',
    info: {
      title: 'serverless-im service API',
      version: '1',
      summary: 'For the app’s own backend.',
      description:
        'Made by `npm run docs` from src/protocol. docs/service-api.md says what all of it means. Every request may be repeated.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [
      {
        url: '{serviceUrl}',
        description: 'The output ServiceUrl of the stack, or url of GET /dev/service',
        variables: { serviceUrl: { default: 'https://api-id.execute-api.us-east-1.amazonaws.com' } },
      },
    ],
    security: [{ sigv4: [] }],
    paths,
    components: {
      securitySchemes: {
        sigv4: {
          type: 'apiKey',
          name: 'Authorization',
          in: 'header',
          description: 'AWS Signature Version 4, service execute-api',
          'x-amazon-apigateway-authtype': 'awsSigv4',
        },
      },
      responses: Object.fromEntries(errorResponses()),
      schemas: { ...schemas, Error: jsonSchema(serviceErrorSchema), Refused: refusedByGateway },
    },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function describe(operationId: string, route: ServiceRoute) {
  const [method = '', path = ''] = route.split(' ');
  const name = operationId[0]!.toUpperCase() + operationId.slice(1);
  const { status, schema } = serviceAnswers[route];
  const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter!);
  const request = withBodies(jsonSchema(serviceRoutes[route])) as ObjectSchema;
  const { fields, rest } = splitFields(request, parameters);
  const hasBody = rest.oneOf !== undefined || Object.keys(rest.properties ?? {}).length > 0;
  // What is asked for by GET stands in the query.
  const inQuery = hasBody && method === 'GET' ? parametersIn('query', rest) : [];
  const requestName = `${name}Request`;
  const operation = {
    operationId,
    summary: whatItDoes[route],
    parameters: [...parametersIn('path', fields), ...inQuery],
    ...(hasBody && method !== 'GET' && { requestBody: bodyOf(requestName, rest) }),
    responses: {
      [status]: { description: 'Done', content: json(`${name}Answer`) },
      ...Object.fromEntries(statuses.map((code) => [code, { $ref: `#/components/responses/${code}` }])),
    },
  };
  const schemas = {
    ...(hasBody && method !== 'GET' && { [requestName]: rest }),
    [`${name}Answer`]: jsonSchema(schema),
  };
  return { path, method: method.toLowerCase(), operation, schemas };
}

/** What the path says, and what is left for the body. */
function splitFields(
  schema: ObjectSchema,
  parameters: readonly string[],
): { fields: ObjectSchema; rest: ObjectSchema } {
  const { properties = {}, required = [] } = schema;
  const isInPath = ([name]: readonly [string, unknown]) => parameters.includes(name);
  const fields = {
    properties: Object.fromEntries(Object.entries(properties).filter(isInPath)),
    required: parameters,
  };
  if (parameters.length === 0) return { fields, rest: schema };
  const rest = {
    ...schema,
    properties: Object.fromEntries(Object.entries(properties).filter((entry) => !isInPath(entry))),
    required: required.filter((name) => !parameters.includes(name)),
  };
  return { fields, rest };
}

const parametersIn = (place: 'path' | 'query', { properties = {}, required = [] }: ObjectSchema) =>
  Object.entries(properties).map(([name, schema]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema,
  }));

const bodyOf = (name: string, { required = [], oneOf }: ObjectSchema) => ({
  required: oneOf !== undefined || required.length > 0,
  content: json(name),
});

const json = (name: string) => ({
  'application/json': { schema: { $ref: `#/components/schemas/${name}` } },
});

const statuses = [...new Set(Object.values(errorStatuses))].toSorted((left, right) => left - right);

function errorResponses(): [string, Json][] {
  return statuses.map((status) => {
    const codes = errorCodes.filter((code: ErrorCode) => errorStatuses[code] === status);
    const description = codes.map((code) => `${code}: ${errorAdvice[code]}`).join(' ');
    const retryAfter = { description: 'Seconds', schema: { type: 'integer' } };
    const own = { $ref: '#/components/schemas/Error' };
    // API Gateway refuses by itself, in its own words.
    const either = { anyOf: [own, { $ref: '#/components/schemas/Refused' }] };
    return [
      String(status),
      {
        description,
        ...(status === 429 && { headers: { 'Retry-After': retryAfter } }),
        content: { 'application/json': { schema: [401, 409].includes(status) ? own : either } },
      },
    ];
  });
}

const refusedByGateway = {
  type: 'object',
  description: 'Of API Gateway itself: 403 when the signature, the clock or the policy is not right',
  properties: { message: { type: 'string' } },
  required: ['message'],
};

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(openApiDocument, renderOpenApi());
