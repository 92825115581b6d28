// The files of messages and the avatars: one private bucket, that clients reach by signed URLs alone.
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket, BucketEncryption, HttpMethods } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { EXPORT_DAYS } from '../src/core/exports/export.ts';
import { EXPORTS_PREFIX } from '../src/core/media/keys.ts';
import { acknowledge } from './acknowledged.ts';
import { baselineOf } from './baseline.ts';
import type { Config } from './config.ts';

export class Media extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { allowedOrigins, disposable, settings }: Config) {
    super(scope, id);
    const { messageRetentionDays } = settings;
    const { key } = baselineOf(this);
    this.bucket = new Bucket(this, 'Bucket', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      ...(key
        ? { encryption: BucketEncryption.KMS, encryptionKey: key, bucketKeyEnabled: true }
        : { encryption: BucketEncryption.S3_MANAGED }),
      enforceSSL: true,
      removalPolicy: disposable ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
      cors:
        allowedOrigins.length === 0
          ? []
          : [
              {
                allowedOrigins,
                allowedMethods: [HttpMethods.PUT, HttpMethods.GET],
                allowedHeaders: ['content-type', 'if-none-match', 'x-amz-tagging', 'range'],
                exposedHeaders: ['ETag', 'Content-Length', 'Content-Range'],
                maxAge: 3_600,
              },
            ],
      lifecycleRules: [
        // Fan-out takes the tag away when a message names the file.
        { id: 'unnamed', tagFilters: { state: 'new' }, expiration: Duration.days(1) },
        { id: 'exports', prefix: EXPORTS_PREFIX, expiration: Duration.days(EXPORT_DAYS) },
        ...(messageRetentionDays === undefined
          ? []
          : [{ id: 'expired', prefix: 'c/', expiration: Duration.days(messageRetentionDays + 1) }]),
      ],
    });
    acknowledge(
      this.bucket,
      'S1',
      'Its access logs would hold signed URLs, which open files for 15 minutes; what is signed is in the logs of `media`',
    );
  }
}
