import { describe, expect, it } from 'vitest';
import type { PolicyStatement } from '../../../local/model.ts';
import { createIdentities, type Identities, type Identity } from '../../../local/iam/roles.ts';
import { allow, smallModel } from '../small-model.ts';

const ordersArn = 'arn:aws:dynamodb:us-east-1:000000000000:table/t1-Orders';
const signed = (accessKeyId: string) => ({
  authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20261122/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0`,
});

function withRole(...statements: PolicyStatement[]): { identities: Identities; writer: Identity } {
  const identities = createIdentities(smallModel({ prefix: 't1', roles: { writer: statements } }));
  const { accessKeyId } = identities.credentialsFor('writer', 'environment-1');
  return { identities, writer: identities.identify(signed(accessKeyId))! };
}

describe('identities', () => {
  it('tells the environments of one function apart by their credentials', () => {
    const identities = createIdentities(smallModel());
    const first = identities.credentialsFor('writer', 'environment-1');
    const second = identities.credentialsFor('writer', 'environment-2');
    expect(first.accessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/);
    expect(second.accessKeyId).not.toBe(first.accessKeyId);
    expect(identities.identify(signed(second.accessKeyId))).toMatchObject({
      functionName: 'writer',
      environmentId: 'environment-2',
    });
  });

  it('does not know unsigned requests, made-up keys, or the keys of an environment that is gone', () => {
    const identities = createIdentities(smallModel());
    const { accessKeyId } = identities.credentialsFor('writer', 'environment-1');
    identities.forget('environment-1');
    expect(identities.identify({})).toBeUndefined();
    expect(identities.identify(signed('ASIAAAAAAAAAAAAAAAAA'))).toBeUndefined();
    expect(identities.identify(signed(accessKeyId))).toBeUndefined();
  });

  it('has no credentials for a function that the template does not have', () => {
    expect(() => createIdentities(smallModel()).credentialsFor('nobody', 'environment-1')).toThrow(
      /No function nobody/,
    );
  });
});

describe('roles', () => {
  it('allow what a statement allows, and nothing else, in the words of AWS', () => {
    const { identities, writer } = withRole(allow(['PutItem'], ordersArn));
    expect(identities.authorize(writer, 'dynamodb:PutItem', ordersArn)).toEqual({ allowed: true });
    expect(identities.authorize(writer, 'dynamodb:DeleteItem', ordersArn)).toEqual({
      allowed: false,
      message: `User: arn:aws:sts::000000000000:assumed-role/t1-writer-role/t1-writer is not authorized to perform: dynamodb:DeleteItem on resource: ${ordersArn} because no identity-based policy allows the dynamodb:DeleteItem action`,
    });
    expect(identities.authorize(writer, 'dynamodb:PutItem', `${ordersArn}/index/byDate`).allowed).toBe(false);
  });

  it('let an explicit deny win', () => {
    const { identities, writer } = withRole(allow(['*'], '*'), {
      ...allow(['DeleteItem'], '*'),
      effect: 'Deny',
    });
    expect(identities.authorize(writer, 'dynamodb:PutItem', ordersArn).allowed).toBe(true);
    expect(identities.authorize(writer, 'dynamodb:DeleteItem', ordersArn)).toMatchObject({
      allowed: false,
      message: expect.stringContaining('with an explicit deny in an identity-based policy'),
    });
  });

  it('know wildcards in actions, of any case, and in resources', () => {
    const { identities, writer } = withRole(allow(['batch*', 'Get?tem'], `${ordersArn}*`));
    const allows = (action: string, resource: string) =>
      identities.authorize(writer, action, resource).allowed;
    expect(allows('dynamodb:BatchGetItem', ordersArn)).toBe(true);
    expect(allows('dynamodb:GetItem', `${ordersArn}/index/byDate`)).toBe(true);
    expect(allows('dynamodb:GetTtem2', ordersArn)).toBe(false);
    expect(allows('dynamodb:GetItem', ordersArn.replace('t1-Orders', 'T1-ORDERS'))).toBe(false);
    expect(allows('dynamodb:GetItem', `x${ordersArn}`)).toBe(false);
  });

  it('take a dot in a pattern for a dot', () => {
    const { identities, writer } = withRole(allow(['PutItem'], 'arn:aws:dynamodb:us-east-1:0:table/a.b'));
    expect(
      identities.authorize(writer, 'dynamodb:PutItem', 'arn:aws:dynamodb:us-east-1:0:table/a.b').allowed,
    ).toBe(true);
    expect(
      identities.authorize(writer, 'dynamodb:PutItem', 'arn:aws:dynamodb:us-east-1:0:table/aXb').allowed,
    ).toBe(false);
  });

  it('bind leading keys: every one must match', () => {
    const { identities, writer } = withRole({
      ...allow(['PutItem'], ordersArn),
      conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['user-*', 'shared'] } },
    });
    const allows = (...keys: string[]) =>
      identities.authorize(writer, 'dynamodb:PutItem', ordersArn, { 'dynamodb:LeadingKeys': keys }).allowed;
    expect(allows('user-1', 'shared')).toBe(true);
    expect(allows('user-1', 'other')).toBe(false);
  });

  it('hold a condition on a key that the request does not have for unmet', () => {
    const conditions = { StringEquals: { 'aws:PrincipalTag/team': 'im' } };
    const { identities, writer } = withRole({ ...allow(['PutItem'], ordersArn), conditions });
    const authorize = (context: Record<string, string>) =>
      identities.authorize(writer, 'dynamodb:PutItem', ordersArn, context).allowed;
    expect(authorize({})).toBe(false);
    expect(authorize({ 'aws:PrincipalTag/team': 'im' })).toBe(true);
    expect(authorize({ 'aws:PrincipalTag/team': 'i*' })).toBe(false);
  });

  it('are refused at the start where they use a condition that is not evaluated', () => {
    const conditions = { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } };
    expect(() => withRole({ ...allow(['PutItem'], ordersArn), conditions })).toThrow(
      /IpAddress is not evaluated/,
    );
  });
});
