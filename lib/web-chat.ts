// The web chat, where a stage wants it (`-c webChat=true`): a private bucket behind CloudFront.
import { Aws, CfnOutput, DefaultStackSynthesizer, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  Distribution,
  HeadersFrameOption,
  HeadersReferrerPolicy,
  ResponseHeadersPolicy,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import { S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3';
import { BucketDeployment, Source } from 'aws-cdk-lib/aws-s3-deployment';
import { Construct } from 'constructs';
import { acknowledge, acknowledgeWildcard } from './acknowledged.ts';
import { logGroup } from './baseline.ts';
import type { Config } from './config.ts';

/** By `npm run build:web`; cdk.json has it built before each synth. */
const FILES = 'dist/web';

const COPYING = 'CDK’s own function, which runs while the stack is deployed, and copies the pages';
const rulesOfCopying = [
  'L1',
  'IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]',
  ...['Abort', 'DeleteObject', 'GetBucket', 'GetObject', 'List'].map(
    (action) => `IAM5[Action::s3:${action}*]`,
  ),
  'IAM5[Resource::*]',
];

export class WebChat extends Construct {
  /** Where its pages come from: browsers name it when they connect. */
  readonly origin: string;
  private readonly bucket: IBucket;
  private readonly distribution: Distribution;

  constructor(scope: Construct, id: string, { domainName }: Pick<Config, 'domainName'>) {
    super(scope, id);
    // Nothing in it that a deployment does not put there again.
    this.bucket = new Bucket(this, 'Bucket', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      removalPolicy: RemovalPolicy.DESTROY,
      // The class leaves `isWebsite` open, which its own interface does not.
    }) as IBucket;
    this.distribution = new Distribution(this, 'Distribution', {
      comment: 'serverless-im: the web chat',
      defaultRootObject: 'index.html',
      defaultBehavior: {
        origin: S3BucketOrigin.withOriginAccessControl(this.bucket),
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        responseHeadersPolicy: this.headers(domainName),
      },
    });
    acknowledge(this.bucket, 'S1', 'CloudFront alone reads it, and all that is there is public');
    const pages =
      'Pages that are the same for everybody, and hold nothing; what they ask is logged by the APIs';
    acknowledge(this.distribution, 'CFR1', `${pages}; users may be anywhere`);
    acknowledge(this.distribution, 'CFR2', `${pages}; there is nothing behind it but a bucket`);
    acknowledge(this.distribution, 'CFR3', pages);
    acknowledge(
      this.distribution,
      'CFR4',
      'The certificate is CloudFront’s own, which fixes the versions of TLS',
    );
    this.origin = `https://${this.distribution.distributionDomainName}`;
    new CfnOutput(this, 'Url', { value: `${this.origin}/`, description: 'The web chat' });
  }

  /** @param url where its clients connect */
  deploy(url: string): void {
    const { handlerRole } = new BucketDeployment(this, 'Files', {
      destinationBucket: this.bucket,
      distribution: this.distribution,
      logGroup: logGroup(this, 'FilesLogs'),
      sources: [Source.asset(FILES), Source.jsonData('config.json', { url })],
    });
    // The function with its role and their policy.
    const copying = handlerRole.node.scope!;
    const { region, synthesizer } = Stack.of(this);
    const qualifier = synthesizer.bootstrapQualifier ?? DefaultStackSynthesizer.DEFAULT_QUALIFIER;
    const assets = `arn:${Aws.PARTITION}:s3:::cdk-${qualifier}-assets-${Aws.ACCOUNT_ID}-${region}/*`;
    for (const rule of rulesOfCopying) acknowledge(copying, rule, COPYING);
    for (const arn of [this.bucket.arnForObjects('*'), assets]) acknowledgeWildcard(copying, arn, COPYING);
  }

  /** API and bucket are named by what they are: by name they would depend on this, and this on them. */
  private headers(domainName: string | undefined): ResponseHeadersPolicy {
    const { region, urlSuffix } = Stack.of(this);
    const store = `https://*.s3.${region}.${urlSuffix}`;
    const contentSecurityPolicy = [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      `img-src 'self' https: blob:`,
      `media-src 'self' https: blob:`,
      `connect-src 'self' wss://${domainName ?? `*.execute-api.${region}.${urlSuffix}`} ${store}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; ');
    return new ResponseHeadersPolicy(this, 'Headers', {
      securityHeadersBehavior: {
        contentSecurityPolicy: { contentSecurityPolicy, override: true },
        contentTypeOptions: { override: true },
        frameOptions: { frameOption: HeadersFrameOption.DENY, override: true },
        referrerPolicy: { referrerPolicy: HeadersReferrerPolicy.NO_REFERRER, override: true },
        strictTransportSecurity: { accessControlMaxAge: Duration.days(365), override: true },
      },
    });
  }
}
