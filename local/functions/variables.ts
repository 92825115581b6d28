// What Lambda tells a function of itself: environment variables, and the same in the context object.
import { dirname } from 'node:path';
import type { FunctionModel } from '../model.ts';

/** What the handler's context object says of the function. */
export function contextOf(
  definition: FunctionModel,
  variables: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    functionName: definition.functionName,
    invokedFunctionArn: definition.arn,
    memoryLimitInMB: String(definition.memoryMb),
    logGroupName: variables['AWS_LAMBDA_LOG_GROUP_NAME'] ?? '',
    logStreamName: variables['AWS_LAMBDA_LOG_STREAM_NAME'] ?? '',
  };
}

/** What Lambda puts into the environment beside the function's own variables; nothing of the laptop's. */
export function lambdaVariables(definition: FunctionModel, region: string): Record<string, string> {
  return {
    AWS_DEFAULT_REGION: region,
    AWS_EXECUTION_ENV: `AWS_Lambda_${definition.runtime}`,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(definition.memoryMb),
    AWS_LAMBDA_FUNCTION_NAME: definition.functionName,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${definition.functionName}`,
    AWS_REGION: region,
    LAMBDA_TASK_ROOT: dirname(definition.modulePath),
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    _HANDLER: `index.${definition.exportName}`,
    // Lambda has no profile either: the SDK must not find this laptop's.
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    // Lambda's Node.js is new enough for the SDK; this laptop's need not be.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
}
