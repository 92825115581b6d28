// Leaves out of the page what React exports and nobody here uses: it comes as CommonJS, of which no bundler drops anything.
import type { Plugin } from 'rolldown';
import { parseAst } from 'rolldown/parseAst';

const unused = new Set(
  [
    'Activity Children Component Profiler PureComponent StrictMode ViewTransition __COMPILER_RUNTIME addTransitionType cache',
    'cacheSignal cloneElement createRef isValidElement startTransition unstable_useCacheRefresh use useActionState',
    'useDebugValue useDeferredValue useEffectEvent useId useInsertionEffect useOptimistic useTransition',
    'browser createPortal hydrateRoot preconnect prefetchDNS preinit preinitModule preload preloadModule requestFormReset',
    'unstable_batchedUpdates useFormState useFormStatus',
    'unstable_Profiling unstable_forceFrameRate unstable_next unstable_runWithPriority unstable_wrapCallback',
  ].flatMap((names) => names.split(' ')),
);

const imports = /import\s*\{([^}]*)\}\s*from\s*["']react(?:-dom)?(?:\/client)?["']/g;

/** @throws Error where a module imports what is left out */
export function slimReact(): Plugin {
  return {
    name: 'slim-react',
    transform(code, id) {
      if (/\/(?:react|react-dom|scheduler)\/cjs\//.test(id)) return withoutUnused(code);
      for (const [, names = ''] of code.matchAll(imports)) {
        const missing = names.split(',').find((name) => unused.has(name.trim().split(/\s/)[0]!));
        if (missing)
          throw new Error(`${id}: ${missing.trim()} is left out of the page by scripts/slim-react.ts`);
      }
      return undefined;
    },
  };
}

/** Without `exports.name = …` at the top; what only that used goes when it is minified. */
function withoutUnused(code: string): string {
  let kept = '';
  let end = 0;
  for (const statement of parseAst(code).body) {
    if (statement.type !== 'ExpressionStatement') continue;
    const { expression } = statement;
    if (expression.type !== 'AssignmentExpression' || expression.left.type !== 'MemberExpression') continue;
    const { object, property } = expression.left;
    const isUnused =
      object.type === 'Identifier' &&
      object.name === 'exports' &&
      property.type === 'Identifier' &&
      unused.has(property.name);
    if (!isUnused) continue;
    kept += code.slice(end, statement.start);
    end = statement.end;
  }
  return kept + code.slice(end);
}
