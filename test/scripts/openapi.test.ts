// docs/openapi.json: a valid document, and what the schemas say.
import { readFile } from 'node:fs/promises';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import { openApiDocument, renderOpenApi } from '../../scripts/openapi.ts';
import { errorStatuses } from '../../src/protocol/errors.ts';
import { serviceLimits } from '../../src/protocol/limits.ts';
import { serviceOperations } from '../../src/protocol/service-operations.ts';
import { serviceRoutes } from '../../src/protocol/service-routes.ts';

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly responses: Readonly<Record<string, unknown>>;
}

const document = JSON.parse(renderOpenApi()) as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { properties: Record<string, Record<string, unknown>> }> };
};

describe('P8.40 the OpenAPI document', () => {
  test('docs/openapi.json says what the schemas say; if not, run npm run docs', async () => {
    expect(await readFile(openApiDocument, 'utf8')).toBe(renderOpenApi());
  });

  test('is valid OpenAPI 3.1, and its references lead somewhere', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(document));
    expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
    expect(validator.version).toBe('3.1');
    expect(() => validator.resolveRefs()).not.toThrow();
    const broken = structuredClone(document);
    Object.values(broken.paths)[0]!['post'] = { responses: { 200: {} } } as never;
    expect(await new Validator().validate(broken)).toMatchObject({ valid: false });
  });

  test('has each route once, under the name that the client has for it', () => {
    const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => [
        operationId,
        `${method.toUpperCase()} ${path}`,
      ]),
    );
    expect(Object.fromEntries(routes)).toEqual(serviceOperations);
    expect(Object.values(serviceOperations).toSorted()).toEqual(Object.keys(serviceRoutes).toSorted());
  });

  test('asks for what stands in the path, and tells of every status of an error', () => {
    const { parameters, responses } = document.paths['/v1/groups/{id}/members/{userId}']!['delete']!;
    expect(parameters).toMatchObject([
      { name: 'id', in: 'path', required: true },
      { name: 'userId', in: 'path', required: true },
    ]);
    const statuses = Object.values(errorStatuses).map(String);
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['200', ...statuses]));
    expect(document.paths['/v1/broadcasts']!['post']!.responses).toHaveProperty('202');
  });

  test('keeps the limits', () => {
    const { CreateUsersRequest, KickRequest } = document.components.schemas;
    expect(CreateUsersRequest?.properties['users']).toMatchObject({ maxItems: serviceLimits.users });
    const { min, max } = serviceLimits.kickReason;
    expect(KickRequest?.properties['reason']).toMatchObject({ minLength: min, maxLength: max });
    expect(KickRequest?.properties).not.toHaveProperty('userId');
  });
});
